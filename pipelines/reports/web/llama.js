"use strict";
// A Llama over the weights that the page carries: what trainer/micro.py computes, one token after the other, with the
// keys and values of those before it kept.

const STRIP = 384; // cells of a strip, at most

function bytesFrom(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

// A matrix from whole numbers of 24 bits, and for each row the number that they are multiples of.
function unpack(base64, rows, columns) {
  const bytes = bytesFrom(base64), data = new Float32Array(rows * columns);
  const scales = new Float32Array(bytes.buffer, 0, rows);
  for (let row = 0, at = 0, from = 4 * rows; row < rows; row++) {
    for (const end = at + columns; at < end; at++, from += 3) {
      const whole = (bytes[from] << 8 | bytes[from + 1] << 16 | bytes[from + 2] << 24) >> 8; // with its sign
      data[at] = scales[row] * whole;
    }
  }
  return { rows, columns, data };
}

function times(matrix, x) {
  const { rows, columns, data } = matrix, out = new Float32Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++, at++) sum += data[at] * x[column];
    out[row] = sum;
  }
  return out;
}

function rmsNorm(x, weight, eps) {
  let square = 0;
  for (const value of x) square += value * value;
  const inverse = 1 / Math.sqrt(square / x.length + eps);
  return x.map((value, at) => weight.data[at] * value * inverse);
}

function softmax(values) {
  const highest = values.reduce((one, other) => Math.max(one, other), -Infinity);
  const powers = Float64Array.from(values, (value) => Math.exp(value - highest));
  const whole = powers.reduce((one, other) => one + other, 0);
  return powers.map((power) => power / whole);
}

const plus = (one, other) => one.map((value, at) => value + other[at]);
const silu = (value) => value / (1 + Math.exp(-value));
const lengthOf = (x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

class Llama {
  // shape: of the model; sizes: (rows, columns) of each weight by its name; packed: each weight as `unpack` reads it
  constructor(shape, sizes, packed) {
    this.shape = shape;
    this.weights = new Map(Object.entries(sizes).map(([name, [rows, columns]]) => [name, unpack(packed[name], rows, columns)]));
    this.table = this.weights.get("model.embed_tokens.weight");
    this.head = shape.tied ? this.table : this.weights.get("lm_head.weight");
    this.width = shape.dim / shape.heads; // of a head
    this.cut(0);
  }

  get length() { return this.passes.length; }

  // Forgets all positions from `length` on.
  cut(length) {
    this.passes = (this.passes || []).slice(0, length);
  }

  // Reads the token at the next position.
  read(token) {
    const at = this.length, columns = this.table.columns;
    let stream = this.table.data.slice(token * columns, (token + 1) * columns);
    const pass = { token, embedding: stream, layers: [], k: [], v: [] };
    this.passes.push(pass);
    for (let layer = 0; layer < this.shape.layers; layer++) {
      const done = this.layer(layer, stream, at, pass);
      pass.layers.push(done);
      stream = done.out;
    }
  }

  layer(number, stream, at, pass) {
    const weight = (name) => this.weights.get(`model.layers.${number}.${name}.weight`), eps = this.shape.norm_eps;
    const normed = rmsNorm(stream, weight("input_layernorm"), eps);
    const q = this.rotated(times(weight("self_attn.q_proj"), normed), at);
    pass.k.push(this.rotated(times(weight("self_attn.k_proj"), normed), at));
    pass.v.push(times(weight("self_attn.v_proj"), normed));
    const attention = [], attended = new Float32Array(q.length);
    for (let head = 0; head < this.shape.heads; head++) attention.push(this.attend(number, head, q, attended));
    const between = plus(stream, times(weight("self_attn.o_proj"), attended));
    const again = rmsNorm(between, weight("post_attention_layernorm"), eps);
    const gate = times(weight("mlp.gate_proj"), again), up = times(weight("mlp.up_proj"), again);
    const hidden = gate.map((value, unit) => silu(value) * up[unit]);
    return { attention, between, hidden, out: plus(between, times(weight("mlp.down_proj"), hidden)) };
  }

  // Pairs of coordinates, half a head apart, turn by an angle that grows with the position.
  rotated(x, at) {
    const half = this.width / 2, out = new Float32Array(x.length);
    for (let start = 0; start < x.length; start += this.width) {
      for (let pair = 0; pair < half; pair++) {
        const angle = at * this.shape.rope_theta ** (-pair / half), cos = Math.cos(angle), sin = Math.sin(angle);
        const left = x[start + pair], right = x[start + half + pair];
        out[start + pair] = left * cos - right * sin;
        out[start + half + pair] = right * cos + left * sin;
      }
    }
    return out;
  }

  // Adds a head's mean of the values to `attended`; gives its weights for all positions up to this one.
  attend(layer, head, q, attended) {
    const from = head * this.width, shared = this.shape.heads / this.shape.kv_heads;
    const keys = Math.floor(head / shared) * this.width;
    const weights = softmax(this.passes.map((other) => {
      let fit = 0;
      for (let at = 0; at < this.width; at++) fit += q[from + at] * other.k[layer][keys + at];
      return fit / Math.sqrt(this.width);
    }));
    this.passes.forEach((other, position) => {
      for (let at = 0; at < this.width; at++) attended[from + at] += weights[position] * other.v[layer][keys + at];
    });
    return weights;
  }

  logitsOf(stream) {
    return times(this.head, rmsNorm(stream, this.weights.get("model.norm.weight"), this.shape.norm_eps));
  }

  logits(at) {
    const { layers, embedding } = this.passes[at];
    return this.logitsOf(layers.length ? layers[layers.length - 1].out : embedding);
  }

  // What the page shows of a position, in the form that a recorded pass has too.
  view(at) {
    const { token, embedding, layers } = this.passes[at];
    const streams = [embedding, ...layers.flatMap((layer) => [layer.between, layer.out])];
    return {
      token,
      embedding: strip(embedding),
      lengths: streams.map(lengthOf),
      attention: layers.map((layer) => layer.attention),
      hidden: layers.map((layer) => strip(layer.hidden)),
      lens: [embedding, ...layers.map((layer) => layer.out)].map((stream) => likeliest(this.logitsOf(stream))),
      logits: sorted(this.logits(at)),
    };
  }
}

// Neighbours that share a cell are shown by the one that is furthest from 0.
function strip(values) {
  const together = Math.ceil(values.length / STRIP), cells = [];
  for (let start = 0; start < values.length; start += together) {
    const cell = Array.from(values.slice(start, start + together));
    cells.push(cell.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one)));
  }
  return cells;
}

// [token, logit], the highest first.
function sorted(logits) {
  return Array.from(logits, (logit, token) => [token, logit]).sort((one, other) => other[1] - one[1] || one[0] - other[0]);
}

// [token, probability] of the five likeliest.
function likeliest(logits) {
  const probabilities = softmax(logits);
  return sorted(probabilities).slice(0, 5);
}

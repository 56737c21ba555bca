"use strict";
// The page inside a model: a text's tokens, and what is computed at the one that is marked.

const SHOWN_CANDIDATES = 12;
const MORE = 20; // tokens of the button that writes several
const byId = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString("en");
const percent = (share) => (share >= 0.0005 ? `${(100 * share).toFixed(1)} %` : "<0.1 %");

// --- What is shown: positions of a model in the page, or of a recorded pass --------------------------------------------

class Live {
  constructor(data) {
    this.data = data;
    this.tokenizer = makeTokenizer(data.vocabulary);
    this.llama = new Llama(data.shape, data.sizes, data.weights);
    this.views = [];
  }

  get length() { return this.llama.length; }
  get isFull() { return this.length >= this.data.shape.context; }
  get hasEnded() { return this.length > 1 && this.data.stops.includes(this.token(this.length - 1)); }
  token(at) { return this.llama.passes[at].token; }
  attention(layer, head, at) { return this.llama.passes[at].layers[layer].attention[head]; }
  view(at) { return (this.views[at] = this.views[at] || this.llama.view(at)); }

  // Reads a text; gives how many of its tokens the context has no room for.
  take(text) {
    const tokens = [this.data.bos, ...this.tokenizer.encode(text)], same = this.same(tokens);
    this.cut(same);
    for (const token of tokens.slice(same, this.data.shape.context)) this.llama.read(token);
    return Math.max(tokens.length - this.data.shape.context, 0);
  }

  // How many positions stay as they are.
  same(tokens) {
    let at = 0;
    while (at < tokens.length && at < this.length && this.token(at) === tokens[at]) at++;
    return at;
  }

  cut(length) {
    this.llama.cut(length);
    this.views.length = Math.min(this.views.length, length);
  }
}

class Recorded {
  constructor(data) { this.positions = data.recorded; }
  get length() { return this.positions.length; }
  token(at) { return this.positions[at].token; }
  attention(layer, head, at) { return this.positions[at].attention[layer][head]; }
  view(at) { return this.positions[at]; }
}

// [token, probability], the likeliest first; at temperature 0 the likeliest has all.
function shares(logits, temperature) {
  if (!temperature) return logits.map(([token], at) => [token, at ? 0 : 1]);
  const probabilities = softmax(logits.map(([, logit]) => logit / temperature));
  return logits.map(([token], at) => [token, probabilities[at]]);
}

function drawnFrom(candidates, random) {
  let left = random;
  for (const [token, share] of candidates) if ((left -= share) < 0) return token;
  return candidates[0][0];
}

const entropyOf = (candidates) => candidates.reduce((sum, [, share]) => sum - (share > 0 ? share * Math.log2(share) : 0), 0);

// --- Drawing -----------------------------------------------------------------------------------------------------------

// A colour of the style sheet as [red, green, blue].
function colour(name) {
  const context = element("canvas").getContext("2d");
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
}

// Fills a canvas of width × height cells: value(x, y) from -1 (grey) over 0 (nothing) to 1 (gold).
function paint(canvas, width, height, value) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const [above, below] = [colour("--gold"), colour("--slate")];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const given = value(x, y);
      image.data.set(given < 0 ? below : above, at);
      image.data[at + 3] = Math.round(255 * Math.min(Math.abs(given), 1));
    }
  }
  context.putImageData(image, 0, 0);
}

// Weights as shares of the largest, for in a long text even that is small.
function ofMost(weights) {
  const most = weights.reduce((one, other) => Math.max(one, other), 0);
  return Array.from(weights, (weight) => weight / most);
}

function paintStrip(canvas, values) {
  const most = values.reduce((one, other) => Math.max(one, Math.abs(other)), 1e-9);
  paint(canvas, values.length, 1, (x) => values[x] / most);
  canvas.title = `from ${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`;
}

class Page {
  constructor(data) {
    this.data = data;
    this.model = data.weights ? new Live(data) : new Recorded(data);
    this.bytes = bytesOf(data.vocabulary);
    this.layers = Array.from({ length: data.shape.layers }, (_, at) => at);
    this.chosen = [0, 0];
    this.marked = 0;
    this.written = Infinity; // position from which on the model wrote
    this.makeHeads();
    this.listen();
    if (data.weights) {
      byId("text").value = data.text;
      this.take(data.text);
    } else {
      this.marked = this.model.length - 1;
      this.show();
    }
  }

  // --- Names of tokens

  name(token) {
    const bytes = this.bytes[token];
    if (!bytes || !bytes.length) return this.data.vocabulary.names[token] || `token ${token}`;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    }
  }

  named(token, kind) {
    const made = element("span", kind);
    made.append(...Array.from(this.name(token)).flatMap((char) => drawn(char, true)));
    made.normalize();
    return made;
  }

  // --- What happens

  listen() {
    const list = byId("tokens"), head = byId("head");
    for (const kind of ["pointerdown", "pointerover"]) {
      list.addEventListener(kind, (event) => {
        const found = event.target.closest("[data-at]");
        if (found) this.mark(Number(found.dataset.at));
      });
    }
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.mark(Math.min(Math.max(this.marked + step, 0), this.model.length - 1));
    });
    head.addEventListener("pointermove", (event) => this.pointed(event));
    head.addEventListener("click", (event) => this.mark(this.cell(event)[1]));
    head.addEventListener("pointerleave", () => this.tellHead());
    byId("temperature").addEventListener("input", () => this.showCandidates());
    if (!this.data.weights) return;
    byId("text").addEventListener("input", () => this.take(byId("text").value));
    byId("next").addEventListener("click", () => this.write(1));
    byId("more").addEventListener("click", () => this.write(MORE));
    byId("undo").addEventListener("click", () => this.takeBack());
  }

  take(text) {
    const left = this.model.take(text);
    this.written = Infinity;
    byId("cut").textContent = left ? ` The context has no room for the last ${count(left)} tokens.` : "";
    byId("drawn").textContent = "";
    this.marked = this.model.length - 1;
    this.show();
  }

  write(tokens) {
    for (let left = tokens; left && !this.model.isFull && !this.model.hasEnded; left--) {
      const last = this.model.length - 1, candidates = this.candidates(last);
      const token = drawnFrom(candidates, Math.random());
      const [, share] = candidates.find(([other]) => other === token);
      this.written = Math.min(this.written, last + 1);
      this.model.llama.read(token);
      const said = this.model.hasEnded ? "The model ends its text." : `Drawn with ${percent(share)}.`;
      byId("drawn").textContent = this.model.isFull ? "The context is full." : said;
    }
    this.marked = this.model.length - 1;
    this.show();
  }

  takeBack() {
    this.model.cut(Math.max(this.model.length - 1, 1));
    this.marked = this.model.length - 1;
    byId("drawn").textContent = "";
    this.show();
  }

  mark(at) {
    if (at === this.marked || at < 0 || at >= this.model.length) return;
    this.marked = at;
    this.showMarked();
  }

  candidates(at) {
    return shares(this.model.view(at).logits, Number(byId("temperature").value));
  }

  // --- What is shown

  show() {
    const positions = Array.from({ length: this.model.length }, (_, at) => at);
    byId("tokens").replaceChildren(...positions.flatMap((at) => {
      const made = this.named(this.model.token(at), at < this.written ? "t" : "t written");
      made.dataset.at = at;
      made.setAttribute("role", "option");
      return this.name(this.model.token(at)).endsWith("\n") ? [made, element("br")] : [made];
    }));
    for (const layer of this.layers) {
      this.heads[layer].forEach((canvas, head) => this.paintHead(canvas, layer, head));
    }
    if (this.data.weights) {
      byId("next").disabled = byId("more").disabled = this.model.isFull || this.model.hasEnded;
      byId("undo").disabled = this.model.length < 2;
    }
    this.showMarked();
  }

  showMarked() {
    const at = this.marked, view = this.model.view(at), token = view.token;
    byId("told").replaceChildren(`Position ${count(at + 1)} of ${count(this.model.length)}: token ${count(token)}, `, this.named(token, "piece"));
    paintStrip(byId("embedding"), view.embedding);
    byId("hidden").replaceChildren(...this.layers.flatMap((layer) => {
      const canvas = element("canvas", "strip");
      paintStrip(canvas, view.hidden[layer]);
      return [element("span", "", `Layer ${layer + 1}`), canvas];
    }));
    const longest = Math.max(...view.lengths);
    byId("lengths").replaceChildren(...view.lengths.flatMap((length, step) => {
      const name = step ? `${step % 2 ? "Attention" : "MLP"} ${Math.ceil(step / 2)}` : "Embedding";
      return this.bar([name], length / longest, length.toFixed(2));
    }));
    this.showLens(view);
    this.showHead();
    this.showCandidates();
    document.body.dataset.ready = "yes";
  }

  showLens(view) {
    byId("lens").replaceChildren(...view.lens.map((row, step) => {
      const made = element("tr"), head = element("th", "", step ? `After layer ${step}` : "Embedding alone");
      head.scope = "row";
      made.append(head, ...row.map(([token, share]) => {
        const cell = element("td");
        cell.append(this.named(token, "piece"), " ", element("small", "", percent(share)));
        return cell;
      }));
      return made;
    }));
  }

  bar(name, share, value, kind) {
    const label = element("span", kind || "piece"), beam = element("span", "beam"), filled = element("b");
    label.append(...name);
    filled.style.width = `${100 * Math.min(share, 1)}%`;
    beam.append(filled);
    return [label, beam, element("span", "value", value)];
  }

  showCandidates() {
    const temperature = Number(byId("temperature").value), candidates = this.candidates(this.marked);
    const next = this.marked + 1 < this.model.length ? this.model.token(this.marked + 1) : -1;
    const some = candidates.slice(0, SHOWN_CANDIDATES), place = candidates.findIndex(([token]) => token === next);
    byId("degrees").textContent = temperature.toFixed(2);
    byId("entropy").textContent = entropyOf(candidates).toFixed(2);
    const rows = some.flatMap(([token, share]) =>
      this.bar([this.named(token)], share, percent(share), token === next ? "piece actual" : "piece"));
    if (place >= SHOWN_CANDIDATES) {
      const [token, share] = candidates[place];
      rows.push(...this.bar([this.named(token), ` (rank ${count(place + 1)})`], share, percent(share), "piece actual"));
    }
    byId("candidates").replaceChildren(...rows);
  }

  // --- Heads

  makeHeads() {
    this.heads = this.layers.map(() => []);
    byId("heads").style.setProperty("--side", `${Math.max(1.6, Math.min(6, 30 / this.data.shape.heads))}rem`);
    byId("heads").append(...this.layers.map((layer) => {
      const row = element("div", "layer");
      row.append(element("span", "", `Layer ${layer + 1}`));
      for (let head = 0; head < this.data.shape.heads; head++) {
        const button = element("button"), canvas = element("canvas");
        button.type = "button";
        button.setAttribute("aria-label", `Layer ${layer + 1}, head ${head + 1}`);
        button.append(canvas);
        button.addEventListener("click", () => {
          this.chosen = [layer, head];
          this.showHead();
        });
        this.heads[layer].push(canvas);
        row.append(button);
      }
      return row;
    }));
  }

  paintHead(canvas, layer, head) {
    const length = this.model.length;
    const rows = Array.from({ length }, (_, at) => ofMost(this.model.attention(layer, head, at)));
    paint(canvas, length, length, (x, y) => (x > y ? 0 : rows[y][x]));
  }

  showHead() {
    const [layer, head] = this.chosen, weights = this.model.attention(layer, head, this.marked);
    document.querySelectorAll("#heads .chosen").forEach((old) => old.classList.remove("chosen"));
    this.heads[layer][head].parentNode.classList.add("chosen");
    this.paintHead(byId("head"), layer, head);
    const shades = ofMost(weights);
    Array.from(byId("tokens").querySelectorAll(".t")).forEach((made, at) => {
      made.classList.toggle("marked", at === this.marked);
      made.setAttribute("aria-selected", at === this.marked);
      made.style.setProperty("--weight", at < shades.length ? shades[at].toFixed(3) : "0");
    });
    this.tellHead();
  }

  tellHead() {
    const [layer, head] = this.chosen, weights = this.model.attention(layer, head, this.marked);
    const most = weights.reduce((best, weight, at) => (weight > weights[best] ? at : best), 0);
    this.tell(this.marked, most, `Layer ${layer + 1}, head ${head + 1}. `);
  }

  tell(from, to, before) {
    const [layer, head] = this.chosen, weight = this.model.attention(layer, head, from)[to];
    byId("fits").replaceChildren(before, this.named(this.model.token(from), "piece"), ` (${count(from + 1)}) takes ${percent(weight)} from `,
      this.named(this.model.token(to), "piece"), ` (${count(to + 1)})`);
  }

  cell(event) {
    const box = byId("head").getBoundingClientRect(), length = this.model.length;
    const place = (part) => Math.min(Math.max(Math.floor(length * part), 0), length - 1);
    return [place((event.clientX - box.left) / box.width), place((event.clientY - box.top) / box.height)];
  }

  pointed(event) {
    const [to, from] = this.cell(event);
    if (to <= from) this.tell(from, to, "");
  }
}

if (typeof document !== "undefined") new Page(JSON.parse(byId("data").textContent));

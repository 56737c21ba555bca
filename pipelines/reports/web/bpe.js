"use strict";
// Byte pair encoding as Hugging Face's tokenizers does it, for the two kinds that Bateia trains: pieces of text over
// the whole text, with bytes for what has no piece ("pieces"), and bytes within the parts of a split ("bytes").

// White space is Unicode's, as in Rust: JavaScript's \s has U+FEFF and lacks U+0085. (?i:…) is spelled out, with ſ,
// which folds to s; a possessive quantifier (?+, ++) never gives back what the rest of its branch could use.
const S = "\\p{White_Space}";
const ENDINGS = "'(?:[sSſdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])";
const GPT4 = ["[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", "\\p{N}{1,3}", ` ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*`];
const SPLITS = {
  "bateia": [ENDINGS, ...GPT4, `${S}*[\\r\\n]`, `${S}+(?!\\P{White_Space})`, `${S}+`],
  "gpt4": [ENDINGS, ...GPT4, `${S}*[\\r\\n]+`, `${S}+(?!\\P{White_Space})`, `${S}+`],
  "gpt2": [
    "'(?:[stmd]|ll|ve|re)", " ?\\p{L}+", " ?\\p{N}+", ` ?[^${S}\\p{L}\\p{N}]+`, `${S}+(?!\\P{White_Space})`, `${S}+`,
  ],
};

const UTF8 = new TextEncoder();

// Half a character can't be written as bytes; browsers put U+FFFD in its place, and so does this.
const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

// GPT-2's printable letter for each byte: printable Latin-1 stands for itself, the others are U+0100 and on.
function byteLetters() {
  const plain = (byte) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(plain(byte) ? byte : next++));
}

const LETTERS = byteLetters();

// The merges, from what each makes and where it is cut: pair of numbers -> [rank, number made], a pair as one number.
function readMerges(vocabulary, numbers) {
  const merges = new Map();
  let made = 0;
  vocabulary.merges.forEach(([step, cut], rank) => {
    made += step;
    const name = vocabulary.names[made];
    const pair = numbers.get(name.slice(0, cut)) * vocabulary.names.length + numbers.get(name.slice(cut));
    merges.set(pair, [rank, made]);
  });
  return merges;
}

// What waits to be merged, as a binary heap of [rank, place]: the lowest rank first, then the leftmost place.
class Waiting {
  constructor() { this.items = []; }
  before(one, other) {
    const [a, b] = [this.items[one], this.items[other]];
    return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
  }
  swap(one, other) { [this.items[one], this.items[other]] = [this.items[other], this.items[one]]; }
  push(item) {
    let at = this.items.push(item) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.before(at, up); at = up, up = (at - 1) >> 1) this.swap(at, up);
  }
  pop() {
    const [first, last] = [this.items[0], this.items.pop()];
    if (!this.items.length) return first;
    this.items[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.items.length && this.before(child, least)) least = child;
      }
      if (least === at) return first;
      this.swap(at, least);
      at = least;
    }
  }
}

// Merges the numbers of a stretch until none can be. Joined numbers leave -1 behind; neighbours are linked.
function mergeAll(numbers, merges, size) {
  const next = numbers.map((_, at) => at + 1), previous = numbers.map((_, at) => at - 1), waiting = new Waiting();
  const offer = (left) => {
    const right = next[left];
    const found = left >= 0 && right < numbers.length && merges.get(numbers[left] * size + numbers[right]);
    if (found) waiting.push([found[0], left, found[1], right]);
  };
  numbers.forEach((_, at) => offer(at));
  while (waiting.items.length) {
    const [, left, made, right] = waiting.pop();
    if (numbers[left] < 0 || next[left] !== right) continue; // one of the two is in another token by now
    const now = merges.get(numbers[left] * size + numbers[right]);
    if (!now || now[1] !== made) continue;
    numbers[left] = made;
    numbers[right] = -1;
    next[left] = next[right];
    if (next[right] < numbers.length) previous[next[right]] = left;
    if (previous[left] >= 0) offer(previous[left]);
    offer(left);
  }
  return numbers.filter((number) => number >= 0);
}

// Text to the numbers that merging starts with: a piece for each character, or its bytes.
function startOfPieces(numbers) {
  const bytes = Array.from({ length: 256 }, (_, byte) =>
    numbers.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
  return (text) => {
    const found = [];
    for (const char of text) {
      const number = numbers.get(char);
      if (number === undefined) for (const byte of UTF8.encode(char)) found.push(bytes[byte]);
      else found.push(number);
    }
    return found;
  };
}

function startOfBytes(numbers) {
  const bytes = LETTERS.map((letter) => numbers.get(letter));
  return (text) => Array.from(UTF8.encode(text), (byte) => bytes[byte]);
}

// The bytes that each number stands for: none for special ones.
function bytesOf(vocabulary) {
  const special = new Set(vocabulary.special);
  const values = new Map(LETTERS.map((letter, byte) => [letter, byte]));
  return vocabulary.names.map((name, number) => {
    if (special.has(number)) return new Uint8Array();
    if (vocabulary.kind === "bytes") return Uint8Array.from(name, (letter) => values.get(letter));
    return /^<0x[0-9A-F]{2}>$/.test(name) ? Uint8Array.of(parseInt(name.slice(3, 5), 16)) : UTF8.encode(name);
  });
}

// {encode, bytes} of a vocabulary as the page carries it. Names of special tokens in a text are text like any other.
function makeTokenizer(vocabulary) {
  const special = new Set(vocabulary.special), size = vocabulary.names.length;
  const numbers = new Map(vocabulary.names.map((name, number) => [name, number]));
  const merges = readMerges(vocabulary, numbers);
  const plain = new Map([...numbers].filter(([, number]) => !special.has(number)));
  const bytes = bytesOf(vocabulary);
  if (vocabulary.kind === "pieces") {
    const start = startOfPieces(plain);
    return { bytes, encode: (text) => mergeAll(start(wellFormed(text)), merges, size) };
  }
  const start = startOfBytes(plain), split = new RegExp(SPLITS[vocabulary.split].join("|"), "gu"), known = new Map();
  const encodePart = (part) => {
    let found = known.get(part);
    if (found === undefined) {
      const whole = vocabulary.whole && plain.get(Array.from(UTF8.encode(part), (byte) => LETTERS[byte]).join(""));
      found = whole === undefined || whole === false ? mergeAll(start(part), merges, size) : [whole];
      if (known.size < 100000) known.set(part, found);
    }
    return found;
  };
  return { bytes, encode: (text) => (wellFormed(text).match(split) || []).flatMap(encodePart) };
}

// Ends, in bytes, of the characters as people see them; by code points where the browser knows no more.
function graphemeEnds(text) {
  const parts = typeof Intl.Segmenter === "function"
    ? Array.from(new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text), (part) => part.segment)
    : Array.from(text);
  let end = 0;
  return new Set(parts.map((part) => (end += UTF8.encode(part).length)));
}

// The text in groups of one token, or of as few as end where a character ends: [{text, numbers}].
function groupsOf(tokenizer, numbers, text) {
  const whole = wellFormed(text), data = UTF8.encode(whole), ends = graphemeEnds(whole);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true }), groups = []; // which keeps a U+FEFF
  let held = [], start = 0, end = 0;
  for (const number of numbers) {
    held.push(number);
    end += tokenizer.bytes[number].length;
    if (!ends.has(end)) continue;
    groups.push({ text: decoder.decode(data.subarray(start, end)), numbers: held });
    [held, start] = [[], end];
  }
  return groups;
}

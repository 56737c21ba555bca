"use strict";
// The page of tokens: what is typed, in the tokens of one or two tokenizers. Texts only ever become text nodes.

const MOST_DRAWN = 5000; // groups; counts are of the whole text
const LONG_TEXT = 20000; // characters from which typing is not followed key by key
const COLOURS = 6;
const EXAMPLES = {
  "Português": "Não há nada que não se possa fazer com uma bateia: lava-se o cascalho e fica o ouro.",
  "Code": "def pan(gravel):\n    # what is heavier stays\n    return [g for g in gravel if g.weight > 19.3]\n",
  "Numbers": "3.14159 × 1,000,000 = 3141590; 2026-11-25 09:41, +55 11 91234-5678",
  "Scripts": "Привет, мир! こんにちは世界。 안녕하세요 مرحبا بالعالم नमस्ते สวัสดี γειά",
  "Emoji": "👩‍👩‍👧‍👦 🇧🇷 👍🏽 ❤️‍🔥 e\u0301 = é, 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
  "Special names": "<s> and <|user|> are text here, letter by letter.",
};

const byId = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString("en");

function drawnGroup(group, at, spaces) {
  const made = element("span", `t c${at % COLOURS}`);
  made.dataset.at = at;
  made.setAttribute("role", "option");
  if (group.numbers.length > 1) made.dataset.parts = group.numbers.length;
  made.append(...Array.from(group.text).flatMap((char) => drawn(char, spaces)));
  made.normalize();
  return made;
}

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");

class Panel {
  constructor(root, vocabulary) {
    this.tokenizer = makeTokenizer(vocabulary);
    this.part = (name) => root.querySelector(`.${name}`);
    this.groups = [];
    this.painted = this.part("painted");
    for (const area of [this.painted, this.part("ids")]) {
      area.addEventListener("pointerover", (event) => this.pointed(event));
      area.addEventListener("pointerdown", (event) => this.pointed(event));
      area.addEventListener("pointerleave", (event) => event.pointerType === "touch" || this.mark(-1));
    }
    this.painted.addEventListener("keydown", (event) => this.pressed(event));
    this.painted.addEventListener("blur", () => this.mark(-1));
  }

  // Encodes and draws; gives the number of tokens.
  show(text, bytes, spaces) {
    const numbers = this.tokenizer.encode(text);
    this.groups = groupsOf(this.tokenizer, numbers, text);
    this.mark(-1);
    this.part("count").textContent = count(numbers.length);
    this.part("ratio").textContent = numbers.length ? (bytes / numbers.length).toFixed(2) : "–";
    this.draw(spaces);
    return numbers.length;
  }

  draw(spaces) {
    const some = this.groups.slice(0, MOST_DRAWN);
    this.painted.replaceChildren(...some.map((group, at) => drawnGroup(group, at, spaces)));
    this.part("ids").replaceChildren(...some.flatMap((group, at) => {
      const made = element("span", "", group.numbers.join(" "));
      made.dataset.at = at;
      return [made, " "];
    }));
    const rest = this.groups.length - some.length;
    this.part("rest").textContent = rest ? `${count(rest)} more are counted and not drawn.` : "";
  }

  compare(tokens, other) {
    const less = other ? Math.round(1000 * (tokens / other - 1)) / 10 : 0;
    const said = less < 0 ? `${-less} % fewer than the other` : less > 0 ? `${less} % more than the other` : "as many as the other";
    const mark = this.part("compared");
    mark.textContent = tokens && other ? said : "";
    mark.classList.toggle("fewer", less < 0);
  }

  pointed(event) {
    const found = event.target.closest("[data-at]");
    if (found) this.mark(Number(found.dataset.at), found);
  }

  pressed(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.mark(-1);
    if (!step) return;
    event.preventDefault();
    const last = Math.min(this.groups.length, MOST_DRAWN) - 1;
    this.mark(Math.min(Math.max(this.marked + step, 0), last));
    if (this.marked >= 0) this.painted.children[this.marked].scrollIntoView({ block: "nearest" });
  }

  // Marks a group in the text and among the numbers, and tells what it is made of. -1 marks none.
  mark(at, near) {
    for (const old of document.querySelectorAll(".marked")) old.classList.remove("marked");
    this.marked = at;
    const [span, number] = [this.painted.children[at], this.part("ids").children[at]];
    byId("tip").hidden = !span;
    this.painted.removeAttribute("aria-activedescendant");
    document.querySelectorAll("#active").forEach((old) => old.removeAttribute("id"));
    if (!span) return;
    span.classList.add("marked");
    number.classList.add("marked");
    span.id = "active";
    this.painted.setAttribute("aria-activedescendant", "active");
    this.tell(this.groups[at], near || span);
  }

  tell(group, near) {
    const tip = byId("tip");
    const rows = group.numbers.map((number) => {
      const row = element("div");
      const bytes = this.tokenizer.bytes[number];
      const size = `${bytes.length} byte${bytes.length === 1 ? "" : "s"}`;
      row.append(element("b", "", String(number)), element("code", "", hexOf(bytes)), element("small", "", size));
      return row;
    });
    tip.replaceChildren(...rows);
    placeTip = () => {
      const box = near.getClientRects()[0] || near.getBoundingClientRect();
      const wide = tip.offsetWidth, high = tip.offsetHeight, room = document.documentElement.clientWidth;
      tip.style.left = `${Math.max(8, Math.min(box.left, room - wide - 8))}px`;
      tip.style.top = `${Math.max(8, box.top > high + 12 ? box.top - high - 8 : box.bottom + 8)}px`;
    };
    placeTip();
  }
}

let placeTip = () => {}; // beside the token that it tells about

function start() {
  const data = JSON.parse(byId("data").textContent), input = byId("text"), spaces = byId("spaces");
  const panels = data.vocabularies.map((vocabulary, at) => new Panel(byId(`panel${at}`), vocabulary));
  // A text field turns \r into \n, so the text that the page came with is kept until something is typed.
  let text = data.text, timer;
  const show = () => {
    const bytes = UTF8.encode(wellFormed(text)).length;
    byId("characters").textContent = count(Array.from(text).length);
    byId("bytes").textContent = count(bytes);
    const tokens = panels.map((panel) => panel.show(text, bytes, spaces.checked));
    if (panels.length > 1) panels.forEach((panel, at) => panel.compare(tokens[at], tokens[1 - at]));
    document.body.dataset.ready = "yes";
  };
  const take = (value) => {
    text = value;
    clearTimeout(timer);
    if (text.length < LONG_TEXT) show();
    else timer = setTimeout(show, 250);
  };
  input.value = text;
  input.addEventListener("input", () => take(input.value));
  spaces.addEventListener("change", () => panels.forEach((panel) => panel.draw(spaces.checked)));
  for (const [name, example] of Object.entries(EXAMPLES)) {
    const button = element("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => take((input.value = example)));
    byId("examples").append(button);
  }
  addEventListener("scroll", () => placeTip(), { passive: true, capture: true });
  show();
}

start();

"use strict";
// Texts from outside on a page: they only ever become text nodes, with signs for what is not seen.

const SIGNS = { " ": "·", "\u00a0": "⍽", "\t": "⇥" };
const JOINS = /[\u200c\u200d\u{e0020}-\u{e007f}]/u; // unseen, but they make letters and emoji what they are
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;

function element(tag, kind, text) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

const codeOf = (char) => `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

// A character as nodes: signs for what is not seen, so that nothing of a text moves what is around it.
function drawn(char, spaces) {
  if (char === "\n") return [element("i", "", "⏎"), "\n"];
  if (char === "\r") return [element("i", "", "␍")];
  if (SIGNS[char] && !spaces) return [char];
  if (SIGNS[char]) return [element("i", "", SIGNS[char]), char === "\t" ? "\t" : element("wbr")];
  if (JOINS.test(char)) return [char];
  if (UNSEEN.test(char) || (spaces && /\p{White_Space}/u.test(char))) return [element("i", "code", codeOf(char))];
  return [char];
}

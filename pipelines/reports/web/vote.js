"use strict";
// Blind votes: two answers at a time without their models' names, which are told once a vote is given.

class Ballot {
  constructor(pairs) {
    this.pairs = pairs;
    this.votes = [];
  }

  // The pair that is to be voted on, or undefined when all are.
  get pair() {
    return this.pairs[this.votes.length];
  }

  // winner: a, b or tie. Returns the names of the two.
  vote(winner) {
    const names = this.namesOf(this.pair);
    this.votes.push({ prompt: this.pair.prompt, a: names[0], b: names[1], winner });
    return names;
  }

  takeBack() {
    this.votes.pop();
  }

  // Written so that nobody reads them by chance.
  namesOf(pair) {
    const bytes = Uint8Array.from(atob(pair.names), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  get lines() {
    return this.votes.map((vote) => `${JSON.stringify(vote)}\n`).join("");
  }
}

function begin() {
  const part = (id) => document.getElementById(id);
  const ballot = new Ballot(JSON.parse(part("data").textContent).pairs);
  const winners = { a: "a", b: "b", t: "tie" };

  const show = () => {
    const { pair, votes } = ballot;
    part("count").textContent = pair ? `${votes.length + 1} of ${ballot.pairs.length}` : `${votes.length} votes, thank you`;
    part("prompt").textContent = pair ? pair.prompt : "";
    part("left").textContent = pair ? pair.left : "";
    part("right").textContent = pair ? pair.right : "";
    part("pair").hidden = !pair;
    part("back").disabled = !votes.length;
    part("lines").value = ballot.lines;
    part("save").disabled = !votes.length;
  };
  const vote = (winner) => {
    if (!ballot.pair) return;
    const [a, b] = ballot.vote(winner);
    part("told").textContent = `That was: A ${a}, B ${b}.`;
    show();
  };
  for (const [key, winner] of Object.entries(winners)) part(`vote-${key}`).addEventListener("click", () => vote(winner));
  part("back").addEventListener("click", () => {
    ballot.takeBack();
    part("told").textContent = "";
    show();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("textarea");
    if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && winners[event.key]) vote(winners[event.key]);
  });
  part("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([ballot.lines], { type: "application/x-ndjson" }));
    link.download = "votes.jsonl";
    link.click();
  });
  show();
}

if (typeof document !== "undefined") begin();

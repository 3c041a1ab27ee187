// One prompt with its answers: two side by side, the words that differ, sentences linked with their sources, verdicts.
// Every text is a text node; nothing of a run is ever read as markup.
"use strict";
const cards = (() => {
const SUPPORTED = 0.5, MOST_WORDS = 600;

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}
const known = (value) => value !== null && value !== undefined;
const weakly = (support) => known(support) && support < SUPPORTED;
const number = (value) => !known(value) ? "–" : Number(value).toFixed(3);

function page(prompt, view) { // `view`: the pair to show, systems asked for and usual ones, colours, what chooses a pair
  const parts = [make("h3", prompt.id), make("p", prompt.instruction)];
  if (prompt.question) parts.push(make("p", prompt.question, "question"));
  const evidence = new Evidence(prompt);
  parts.push(...evidence.passages);
  for (const text of prompt.references) { const reference = make("p", text); reference.prepend(make("small", "reference")); parts.push(reference); }
  const picks = (answer) => prompt.picked.filter((pick) => pick.pool === answer.pool && pick.answer === answer.id);
  const order = [...prompt.answers].sort((a, b) => (picks(b).length > 0) - (picks(a).length > 0));
  const two = view.pair ?? chosen(order, view), rest = order.filter((answer) => !two.includes(answer));
  const marks = two.length === 2 ? differing(two[0].text, two[1].text) : [[], []];
  const card = (answer, place) => article(answer, picks(answer), evidence, marks[place] ?? [], { colour: view.places.get(answer.pool), choose: rest.includes(answer) && (() => view.choose([two[0], answer])) });
  const pairOf = make("div", undefined, two.length === 2 ? "cards pair" : "cards");
  pairOf.append(...two.map(card));
  parts.push(pairOf);
  if (rest.length) {
    const folded = make("details"), cards = make("div", undefined, "cards");
    folded.open = rest.length < 7 && prompt.answers.every((answer) => answer.pool === prompt.answers[0].pool);
    folded.append(make("summary", rest.length === 1 ? "1 other answer" : `${rest.length} other answers`), cards);
    cards.append(...rest.map((answer) => card(answer, 2)));
    parts.push(folded);
  }
  return parts;
}
function chosen(order, { asked, usual }) { // the two answers that stand side by side
  const first = (name) => order.find((answer) => answer.pool === name);
  const [one, two] = (asked.some((name) => name && first(name)) ? asked : usual).map(first);
  const left = one ?? order.find((answer) => answer !== two);
  const right = (two !== left && two) || order.find((answer) => answer !== left && answer.text !== left.text) || order.find((answer) => answer !== left);
  return [left, right].filter(Boolean);
}
function differing(one, two) { // ranges of the words that the other text lacks: longest common subsequence
  const a = words(one), b = words(two);
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return [[], []];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i][j] = a[i].text === b[j].text ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const left = [], right = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i].text === b[j].text) { i++; j++; }
    else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) left.push(a[i++]);
    else right.push(b[j++]);
  }
  return [left, right];
}
function words(text) { return [...text.matchAll(/\S+/g)].map((found) => ({ text: found[0], start: found.index, end: found.index + found[0].length })); }

function placeOf(text, source) { // where a source stands in a passage, as whole words if it does
  const letter = /[\p{L}\p{N}]/u, edge = (at) => !(letter.test(text[at - 1] ?? "") && letter.test(text[at] ?? ""));
  for (let at = text.indexOf(source); at >= 0; at = text.indexOf(source, at + 1)) if (edge(at) && edge(at + source.length)) return at;
  return text.indexOf(source);
}

class Evidence { // passages whose sentences are linked with the answers' sentences, both ways
  constructor(prompt) {
    this.links = new Map(); // source sentence -> elements in passages and answers
    const sources = [...new Set(prompt.answers.flatMap((answer) => answer.sentences.map(([, source]) => source)).filter(Boolean))];
    this.passages = prompt.passages.map((text) => this.passage(text, sources));
  }
  passage(text, sources) {
    const quote = make("blockquote");
    const found = sources.map((source) => ({ source, start: placeOf(text, source) })).filter(({ start }) => start >= 0).map(({ source, start }) => ({ source, start, end: start + source.length }));
    const cuts = [...new Set([0, text.length, ...found.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
    for (const [place, from] of cuts.slice(0, -1).entries()) { // sources may overlap: a piece belongs to all that cover it
      const to = cuts[place + 1], own = found.filter(({ start, end }) => start <= from && to <= end);
      const piece = own.length ? make("span", text.slice(from, to), "source") : text.slice(from, to);
      quote.append(piece);
      if (own.length) this.join(piece, ...own.map(({ source }) => source));
    }
    return quote;
  }
  join(element, ...sources) {
    const own = sources.filter(Boolean);
    if (!own.length) return;
    for (const source of own) this.links.set(source, (this.links.get(source) ?? new Set()).add(element));
    element.tabIndex = 0;
    const linked = () => own.flatMap((source) => [...this.links.get(source)]);
    const light = (on) => { for (const other of linked()) other.classList.toggle("lit", on); };
    for (const name of ["mouseenter", "focus"]) element.addEventListener(name, () => light(true));
    for (const name of ["mouseleave", "blur"]) element.addEventListener(name, () => light(false));
    const jump = () => linked().find((other) => other.closest("blockquote") !== element.closest("blockquote") && other.isConnected)?.scrollIntoView({ block: "center", behavior: "smooth" });
    element.addEventListener("click", jump);
    element.addEventListener("keydown", (event) => { if (event.key === "Enter") jump(); });
  }
}
function article(answer, picked, evidence, marks, { colour, choose }) {
  const element = make("article", undefined, picked.length ? "picked" : ""), head = make("header", answer.pool);
  if (colour !== undefined) head.classList.add("f" + colour);
  head.append(make("small", `${answer.setting}, sweep ${answer.sweep}, ${answer.tokens} tokens`));
  if (choose) { const button = make("button", "set beside"); button.type = "button"; button.addEventListener("click", choose); head.append(button); }
  element.append(head, marked(answer, evidence, marks));
  for (const [sentence, source, entailment] of answer.sentences.filter(([, , entailment]) => weakly(entailment))) {
    const note = make("p", source ? `closest to “${sentence}”: ` : `not supported: “${sentence}”`, "evidence");
    note.append(...(source ? [make("q", source)] : []), ` (${number(entailment)})`);
    evidence.join(note, source);
    element.append(note);
  }
  const table = make("table");
  for (const [judge, name, value, reason] of answer.verdicts) {
    const row = table.insertRow();
    row.append(make("th", name), make("td", number(value)), make("td", [judge, reason].filter(Boolean).join(": "), "words wrap"));
  }
  element.append(table, ...(answer.labels ?? []).map(label), ...picked.map(why));
  return element;
}
function label([who, values, failures, note]) { // what a person said of the answer
  const said = Object.entries(values).map(([name, value]) => `${name} ${value === null ? "cannot tell" : number(value)}`);
  return make("p", `${who} says: ${[...said, ...failures].join(", ")}${note ? `; ${note}` : ""}`, "label");
}
function why(pick) {
  const parts = Object.entries(pick.parts).map(([name, value]) => `${name} ${number(value)}`).join(", ");
  const margin = pick.margin === null ? "no other text" : pick.margin === 0 ? "as good as the best other text"
    : `${number(Math.abs(pick.margin))} ${pick.margin > 0 ? "above" : "below"} the best other text`;
  return make("p", `kept in ${pick.curated}: score ${number(pick.score)} (${parts}), ${margin}, of ${pick.candidates} answers`, "why");
}
function marked(answer, evidence, marks) { // the text with its sentences linked, unsupported ones underlined, differing words marked
  const paragraph = make("p", undefined, "text"), text = answer.text;
  const sentences = answer.sentences.map(([sentence, source, entailment]) => ({ sentence, source, entailment, weak: weakly(entailment) }));
  if (text && answer.verdicts.some(([, name, value]) => name.startsWith("span_coverage") && value === 0)) sentences.push({ sentence: text, source: "", weak: true });
  let from = 0;
  for (const { sentence, source, entailment, weak } of sentences) {
    const start = text.indexOf(sentence, from);
    if (start < 0 || !sentence) continue;
    fill(paragraph, text, from, start, marks);
    const span = make(weak ? "mark" : "span", undefined, "sentence");
    if (known(entailment)) span.title = `support ${number(entailment)}`;
    fill(span, text, start, start + sentence.length, marks);
    evidence.join(span, source);
    paragraph.append(span);
    from = start + sentence.length;
  }
  fill(paragraph, text, from, text.length, marks);
  if (!text) paragraph.append("(empty)");
  return paragraph;
}
function fill(element, text, from, to, marks) {
  for (const { start, end } of marks) {
    if (end <= from || start >= to) continue;
    if (start > from) element.append(text.slice(from, start));
    element.append(make("span", text.slice(Math.max(from, start), Math.min(end, to)), "differs"));
    from = Math.min(end, to);
  }
  if (from < to) element.append(text.slice(from, to));
}
return { make, known, number, page };
})();

// The browser of answers: list, filters, links, export. answer_cards.js shows a prompt, answer_search.js finds words.
"use strict";
(async () => {
const ROW = 46, { make, known, number } = cards;
const NARROW = matchMedia("(max-width: 46rem)");
const $ = (id) => document.getElementById(id), blocks = new Map();

async function unpack(id) {
  const bytes = Uint8Array.from(atob($(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}
async function record(row) {
  if (!blocks.has(row.block)) blocks.set(row.block, unpack("block-" + row.block));
  return (await blocks.get(row.block))[row.place];
}
function options(select, pairs) { for (const [value, text] of pairs) select.append(new Option(text, value)); }

const told = JSON.parse($("answers-told").textContent), places = new Map(Object.entries(told.places));
const { pools: POOLS, objectives: OBJECTIVES, curated: CURATED, rows } = await unpack("index");
const index = rows.map(([id, shelf, dataset, heading, block, place, scores, differ, kept, labels]) =>
  ({ id, shelf, dataset, heading, block, place, scores, differ, kept, labels }));
const values = (key) => [...new Set(index.map((row) => row[key]))];
const scored = POOLS.map((name, place) => [place, name]).filter(([place]) => index.some((row) => place in row.scores || place in row.differ));
options($("shelf"), [["", "all"], ...values("shelf").map((name) => [name, name])]);
options($("dataset"), [["", "all"], ...values("dataset").sort().map((name) => [name, name])]);
options($("left"), [["", "any"], ...scored]);
options($("right"), [["", "none"], ...scored]);
options($("objective"), [["", "the first of its task"], ...OBJECTIVES.map((name, place) => [place, name])]);
options($("relation"), [["", "all"], ["better", "system better"], ["worse", "system worse"], ["changed", "not equal"]]);
options($("order"), [["", "id"], ["low", "lowest score"], ["high", "highest score"], ["lost", "most lost against beside"],
  ["won", "most won against beside"], ["differ", "judges differ most"]]);
const both = CURATED.flatMap((one, x) => CURATED.slice(x + 1).map((two, y) => [`${x} ${x + 1 + y}`, `${one} and ${two} differ`]))
  .filter(([key]) => { const [x, y] = key.split(" "); return index.some((row) => x in row.kept && y in row.kept); });
options($("kept"), [["", "all"], ...both]);
const labelled = index.flatMap((row) => Object.values(row.labels)), unique = (names) => [...new Set(names)];
const sides = unique(labelled.flatMap(([values]) => Object.keys(values))).flatMap((name) => [[name + " yes", name + ": yes"], [name + " no", name + ": no"]]);
options($("said"), [["", "all"], ["any", "labelled"], ...sides]);
options($("failure"), [["", "all"], ...unique(labelled.flatMap(([, failures]) => failures)).map((name) => [name, name])]);
$("labels").hidden = !labelled.length;

function score(row, pool) { // of the chosen objective, else the first that the task has
  const own = row.scores[pool];
  if (!own) return null;
  return $("objective").value === "" ? own.find((value) => value !== null) ?? null : own[$("objective").value];
}
function scores(row) { // of the chosen system, or of all
  const left = $("left").value;
  return (left === "" ? Object.keys(row.scores) : [left]).map((pool) => score(row, pool)).filter(known);
}
function gain(row) { // of the system over the one beside it
  const one = score(row, $("left").value), two = score(row, $("right").value);
  return known(one) && known(two) ? one - two : null;
}
function differ(row) {
  const left = $("left").value;
  return left === "" ? Math.max(0, ...Object.values(row.differ)) : row.differ[left] ?? 0;
}
function labels(row) { // of the chosen system, or of all
  const left = $("left").value;
  return left === "" ? Object.values(row.labels) : left in row.labels ? [row.labels[left]] : [];
}
function told_so(row, asked) { // whether somebody said yes (from the middle of the scale) or no to an objective
  const [name, side] = asked.split(" ");
  return labels(row).some(([values]) => side === undefined || (values[name] ?? []).some((value) => (value >= 0.5) === (side === "yes")));
}
const TESTS = {
  shelf: (row, name) => row.shelf === name,
  dataset: (row, name) => row.dataset === name,
  left: (row, pool) => pool in row.scores || pool in row.differ,
  right: (row, pool) => pool in row.scores || pool in row.differ,
  objective: (row) => scores(row).length > 0,
  relation: (row, which) => { const own = gain(row); return own !== null && { better: own > 0, worse: own < 0, changed: own !== 0 }[which]; },
  low: (row, least) => { const most = $("high").value; return scores(row).some((value) => value >= Number(least) && (most === "" || value <= Number(most))); },
  high: (row, most) => scores(row).some((value) => value <= Number(most)),
  differ: (row, least) => differ(row) >= Number(least),
  said: told_so,
  failure: (row, name) => labels(row).some(([, failures]) => failures.includes(name)),
  kept: (row, pair) => { const [x, y] = pair.split(" "); return x in row.kept && y in row.kept && row.kept[x] !== row.kept[y]; },
};
const ORDERS = { low: (row) => Math.min(...scores(row)), high: (row) => -Math.max(...scores(row)), lost: gain,
  won: (row) => { const own = gain(row); return own === null ? null : -own; }, differ: (row) => -differ(row) };

let shown = index, at = -1, drawn = [], beside = null, searches = 0, texts;
const readTexts = () => texts ??= search.read(index, unpack);
async function filter() { // at once, but for the first search, which reads all texts
  const words = search.split($("find").value), own = ++searches;
  if (words.length) {
    $("count").textContent = "reading all answers …";
    await readTexts();
    if (own !== searches) return;
  }
  const started = performance.now();
  const asked = Object.keys(TESTS).map((name) => [name, $(name).value]).filter(([, value]) => value !== "");
  shown = index.filter((row) => words.every((word) => row.words.includes(word)) && asked.every(([name, value]) => TESTS[name](row, value)));
  const order = ORDERS[$("order").value];
  if (order) shown = shown.map((row) => [order(row), row]).filter(([value]) => known(value) && Number.isFinite(value)).sort((a, b) => a[0] - b[0]).map(([, row]) => row);
  at = -1;
  $("list").scrollTop = 0;
  $("tall").style.height = shown.length * ROW + "px";
  $("count").textContent = shown.length + " of " + index.length;
  draw();
  document.body.dataset.filtered = (performance.now() - started).toFixed(2); // milliseconds, read by the benchmark
}
function pair(row) { // the two systems whose scores the list tells
  const chosen = [$("left").value, $("right").value].filter((pool) => pool !== "");
  return (chosen.length ? chosen : told.pair.map((name) => POOLS.indexOf(name))).filter((pool) => pool in row.scores);
}
function line(row, place) { // only visible rows are in the document
  const element = make("div", undefined, "row");
  element.id = "row-" + place; element.style.top = place * ROW + "px"; element.dataset.place = place;
  element.setAttribute("role", "option"); element.setAttribute("aria-selected", place === at);
  element.append(make("small", row.id + " · " + row.shelf), make("span", row.heading));
  const own = pair(row);
  const tell = make("em", own.map((pool) => number(score(row, pool))).join(" | "), "two-scores");
  tell.title = own.map((pool) => POOLS[pool]).join(" | ");
  element.append(tell);
  return element;
}
function draw() {
  const list = $("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  drawn.forEach((element) => element.remove());
  drawn = shown.slice(first, last).map((row, place) => line(row, first + place));
  $("tall").append(...drawn);
}
const address = (id) => "#answers/" + id.split("/").map(encodeURIComponent).join("/");
async function open(place, linked = true) {
  if (!shown.length) return;
  at = Math.max(0, Math.min(shown.length - 1, place));
  beside = null;
  const list = $("list"), top = at * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  draw();
  list.setAttribute("aria-activedescendant", "row-" + at);
  const row = shown[at], prompt = await record(row);
  if (shown[at] !== row) return;
  show(prompt);
  $("answer").scrollTop = 0;
  if (linked) history.replaceState(null, "", address(prompt.id));
}
function show(prompt) {
  const asked = [$("left").value, $("right").value].map((pool) => POOLS[pool]);
  const choose = (pair) => { beside = pair; show(prompt); };
  $("answer").replaceChildren(...cards.page(prompt, { pair: beside, asked, usual: told.pair, places, choose }));
  search.light($("answer"), search.split($("find").value));
}

function save(name, type, parts) {
  const link = make("a"), url = URL.createObjectURL(new Blob(parts, { type }));
  link.href = url; link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
const COLUMNS = ["example_id", "dataset", "prompts", "pool", "answer_id", "setting", "tokens", "text", "kept_in", "verdicts"];
function cell(value) { // a text that a spreadsheet would run begins with an apostrophe
  const text = String(value ?? ""), safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
  return '"' + safe.replaceAll('"', '""') + '"';
}
async function table() {
  const lines = [COLUMNS.join(",") + "\r\n"];
  for (const row of shown) {
    const prompt = await record(row);
    for (const answer of prompt.answers) {
      const kept = prompt.picked.filter((pick) => pick.pool === answer.pool && pick.answer === answer.id).map((pick) => pick.curated);
      const said = Object.fromEntries(answer.verdicts.map(([, name, value]) => [name, value]));
      lines.push([prompt.id, prompt.dataset, row.shelf, answer.pool, answer.id, answer.setting, answer.tokens, answer.text, kept.join(" "), JSON.stringify(said)].map(cell).join(",") + "\r\n");
    }
  }
  save("answers.csv", "text/csv;charset=utf-8", lines);
}
async function objects() {
  const lines = [];
  for (const row of shown) lines.push(JSON.stringify(await record(row)) + "\n");
  save("answers.jsonl", "application/x-ndjson", lines);
}

let waiting;
for (const name of ["find", "low", "high", "differ"]) $(name).addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 60); });
for (const name of ["shelf", "dataset", "left", "right", "objective", "relation", "kept", "said", "failure", "order"]) $(name).addEventListener("change", async () => {
  const before = at >= 0 && shown[at];
  await filter();
  if (before && shown.includes(before)) open(shown.indexOf(before));
});
$("clear").addEventListener("click", () => { for (const field of document.querySelectorAll(".tools input, .tools select")) field.value = ""; filter(); });
$("csv").addEventListener("click", table);
$("jsonl").addEventListener("click", objects);
$("list").addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
$("list").addEventListener("click", (event) => { const row = event.target.closest(".row"); if (row) open(Number(row.dataset.place)); });
addEventListener("resize", draw);
$("list").addEventListener("keydown", (event) => {
  const screen = Math.floor($("list").clientHeight / ROW);
  const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + screen, PageUp: at - screen, Home: 0, End: shown.length - 1 }[event.key];
  if (to !== undefined) { event.preventDefault(); open(to); }
});
$("find").addEventListener("focus", readTexts);
document.addEventListener("keydown", async (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) { event.preventDefault(); $("find").focus(); }
  if (event.key === "Enter" && event.target === $("find")) { clearTimeout(waiting); await filter(); $("list").focus(); open(0); }
  if (event.key === "Escape" && event.target.closest(".tools, .browser")) $("list").focus();
});
function first() { // the first prompt on which the headline's two systems differ in the first objective, or in any, or that both answer
  const pools = told.pair.map((name) => POOLS.indexOf(name));
  const both = (of, differ) => (row) => { const [one, two] = pools.map((pool) => of(row, pool)); return known(one) && known(two) && (!differ || one !== two); };
  const leading = (row, pool) => row.scores[pool]?.[0];
  const found = [both(leading, true), both(score, true), both(score, false)].map((test) => shown.findIndex(test));
  return found.find((place) => place >= 0) ?? 0;
}
async function follow() { // a link to one prompt, #answers/nq/test/17
  let wanted = "";
  try { wanted = location.hash.startsWith("#answers/") ? decodeURIComponent(location.hash.slice(9)) : ""; } catch { return; }
  if (!wanted) return;
  if (!shown.some((row) => row.id === wanted)) $("clear").click();
  const place = shown.findIndex((row) => row.id === wanted);
  if (place < 0) { $("answer").replaceChildren(make("p", `${wanted} is not in this page; reset-lm show ${wanted} shows it.`, "soft")); }
  else await open(place);
  (NARROW.matches ? $("answer") : document.querySelector(".tools")).scrollIntoView();
}
addEventListener("hashchange", follow);
$("filters").open = !NARROW.matches;
NARROW.addEventListener("change", () => { $("filters").open = !NARROW.matches; });
filter();
await follow();
if (at < 0 && !location.hash.startsWith("#answers/")) await open(first(), false); // a prompt stands there before one is chosen
document.body.dataset.ready = "yes";
})();

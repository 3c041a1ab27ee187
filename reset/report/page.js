// The page's plots, pickers and navigation. Texts of the run stand in the document as text nodes only.
"use strict";
(() => {
const specs = JSON.parse(document.getElementById("charts").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}
function sized(spec, width, rows) { // small plots fill the width; other plots have a number of pixels a row
  if (!spec.facet) return { ...spec, height: spec.height.step * new Set(rows.map((row) => row[spec.encoding.y.field])).size };
  const columns = Math.max(1, Math.min(3, Math.floor(width / 330))), named = JSON.stringify(spec.spec).includes("label_y") ? 90 : 0;
  return { ...spec, columns, spacing: 24, spec: { ...spec.spec, width: Math.max(150, Math.floor(width / columns) - 72 - named) } };
}
const drawings = specs.map(({ spec, picker, one }, place) => {
  const holder = document.getElementById("chart-" + place), chosen = new Set(picker ? picker.chosen : []);
  const which = one && menu(one.values, holder.closest(".plot").querySelector("h3").textContent);
  function draw() {
    const values = spec.data.values.filter((row) => (!picker || chosen.has(row[picker.field])) && (!one || row[one.field] === which.value));
    const own = { ...sized(spec, holder.parentElement.clientWidth, values), data: { values } };
    return vegaEmbed(holder, own, { config: theme(), actions: false, renderer: "svg", ast: false });
  }
  if (picker) holder.parentElement.before(pick(picker, chosen, draw));
  if (one) { holder.parentElement.before(which); which.addEventListener("change", draw); }
  return { holder, draw };
});
function pick(picker, chosen, draw) { // at most `most` at once
  const field = make("fieldset", undefined, "picker");
  field.append(make("legend", `shown, at most ${picker.most} of ${picker.values.length}`));
  const boxes = picker.values.map((value) => {
    const label = make("label"), box = make("input");
    box.type = "checkbox"; box.checked = chosen.has(value);
    label.append(box, " " + value);
    field.append(label);
    box.addEventListener("change", () => { box.checked ? chosen.add(value) : chosen.delete(value); limit(); draw(); });
    return box;
  });
  function limit() { for (const box of boxes) box.disabled = !box.checked && chosen.size >= picker.most; }
  limit();
  return field;
}
function menu(names, question) {
  const select = make("select", undefined, "which");
  select.setAttribute("aria-label", question);
  for (const name of names) select.append(new Option(name));
  return select;
}
for (const holder of document.querySelectorAll(".only")) { // one of several drawings at a time
  const figures = [...holder.querySelectorAll("figure")], select = menu(figures.map((figure) => figure.dataset.name), holder.querySelector("h3").textContent);
  for (const figure of figures) figure.querySelector(".named").hidden = true;
  const show = () => figures.forEach((figure, place) => { figure.style.display = place === select.selectedIndex ? "" : "none"; });
  select.addEventListener("change", show);
  figures[0].before(select);
  show();
}
// plots are drawn when they come near the window: the first screen does not wait for them
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); drawings.find(({ holder }) => holder === entry.target).draw(); }
}, { rootMargin: "600px" });
function all() { near.disconnect(); return Promise.all(drawings.map(({ draw }) => draw())); }
for (const { holder } of drawings) near.observe(holder);
dark.addEventListener("change", all);
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details.fold")) fold.open = true; all(); });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; for (const { holder, draw } of drawings) if (holder.firstChild) draw(); } });

const links = new Map([...document.querySelectorAll(".top nav a")].map((link) => [link.hash.slice(1), link]));
function current() { // the section that the reader is in
  let found = "story";
  for (const id of links.keys()) if (document.getElementById(id).getBoundingClientRect().top < 120) found = id;
  if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2) found = [...links.keys()].at(-1);
  for (const [id, link] of links) {
    if (id !== found) link.removeAttribute("aria-current");
    else if (!link.hasAttribute("aria-current")) { link.setAttribute("aria-current", "true"); link.parentElement.scrollTo({ left: link.offsetLeft - link.parentElement.offsetLeft - 20 }); }
  }
}
addEventListener("scroll", () => requestAnimationFrame(current), { passive: true });
function unfold() { // a link into a folded table opens it
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  const folded = target && target.id === "differences" && target.querySelector("details");
  if (folded) { folded.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
unfold();
current();
})();

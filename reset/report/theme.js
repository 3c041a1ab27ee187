// The look of every plot: the colours of the page, light or dark.
"use strict";
function theme() {
  const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
  const words = { labelColor: of("--ink"), titleColor: of("--soft"), labelLimit: 260 };
  return { background: null, view: { stroke: of("--line") }, text: { color: of("--ink") }, legend: words, header: words,
    axis: { ...words, gridColor: of("--line"), domainColor: of("--line"), tickColor: of("--line"), titleFontWeight: "normal" } };
}

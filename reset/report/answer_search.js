// Search in whole prompts and answers: their texts are read block by block when a reader first searches; hits are lit.
"use strict";
const search = (() => {
const whole = (prompt) => [prompt.id, prompt.instruction, prompt.question, ...prompt.passages, ...prompt.references, ...prompt.answers.map((answer) => answer.text)];
const split = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

async function read(index, unpack) { // gives each row its `words`; between two blocks the page answers
  const blocks = [];
  for (const row of index) (blocks[row.block] ??= []).push(row);
  for (const [block, rows] of blocks.entries()) {
    const prompts = await unpack("block-" + block);
    for (const row of rows) row.words = whole(prompts[row.place]).join("\n").toLowerCase();
  }
}
function light(element, words) { // marks what was found and unfolds it; without changing the document
  if (!CSS.highlights) return;
  const ranges = [], walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.data.toLowerCase();
    if (text.length !== node.data.length) continue; // a letter whose small form has another length: places would be off
    for (const word of words)
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length))
        ranges.push(new StaticRange({ startContainer: node, startOffset: at, endContainer: node, endOffset: at + word.length }));
  }
  for (const range of ranges) range.startContainer.parentElement.closest("article")?.closest("details")?.setAttribute("open", "");
  CSS.highlights.set("found", new Highlight(...ranges));
}
return { split, read, light };
})();

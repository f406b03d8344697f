// Inserts an answer, or a question, into the reply box without loading the page again. Works without this file by a form.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-fit]");
  const box = document.querySelector("#text");
  if (!form || !box) return;
  event.preventDefault();
  // It is said to the customer; a note that is begun stays one.
  if (!box.value.trim()) document.querySelector("#mode-reply")?.click();
  // What is written stays. A box without the focus so far has its cursor before the draft: the end is meant.
  const at = box.selectionEnd || box.value.length;
  const above = box.value.slice(0, at).trimEnd(), below = box.value.slice(at).trimStart();
  const text = `${above}${above && "\n\n"}${form.dataset.fit}`;
  box.value = `${text}${below && "\n\n"}${below}`;
  box.setSelectionRange(text.length, text.length);
  box.dispatchEvent(new Event("input", { bubbles: true }));
  // Where the customer's pane covers the box, it closes.
  document.querySelector("[data-customer][aria-expanded=true]")?.click();
  box.focus();
});

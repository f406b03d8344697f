// Select rows by checkbox, x, shift-click and shift-x; send the bulk form without leaving the list.
// Without this file the checkboxes and the form below the list do the same.

import { patch } from "./patch.js";

const chosen = new Set();
let last = null;

const boxes = () => [...document.querySelectorAll("input.pick")];
const form = () => document.getElementById("bulk");

function show() {
  const bar = form();
  if (!bar) return;
  // Open, it would cover half of the list.
  if (!bar.classList.contains("live")) bar.querySelector("details").open = false;
  bar.classList.add("live");
  bar.hidden = chosen.size === 0;
  bar.querySelector(".bulk-count").textContent = bar.dataset.count.replace("{count}", chosen.size);
  bar.querySelector("[value=merge]").disabled = chosen.size !== 2;
}

function mark(box, on) {
  box.checked = on;
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
  const row = box.closest(".row");
  // The row of the open conversation looks chosen, too.
  row?.classList.toggle("chosen", on || Boolean(row.querySelector(".what a[aria-current]")));
}

// A list that was rendered again keeps what was chosen; what is not in it any more is not chosen.
function restore() {
  const all = boxes();
  if (!all.length && !form()) return;
  const there = new Set(all.map((box) => box.value));
  for (const key of [...chosen]) if (!there.has(key)) chosen.delete(key);
  for (const box of all) mark(box, chosen.has(box.value));
  show();
}

function reach(box) {
  const all = boxes();
  const [from, to] = [all.findIndex((each) => each.value === last), all.indexOf(box)];
  const range = from < 0 ? [box] : all.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of range) mark(each, true);
}

document.addEventListener("click", (event) => {
  if (!event.target.matches("input.pick")) return;
  if (event.shiftKey) reach(event.target);
  else mark(event.target, event.target.checked);
  last = event.target.value;
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "x") return;
  if (event.target.matches("input:not(.pick), select, textarea, [contenteditable]")) return;
  const box = document.activeElement?.closest(".row")?.querySelector("input.pick");
  if (!box) return;
  event.preventDefault();
  if (event.shiftKey) reach(box);
  else mark(box, !box.checked);
  last = box.value;
  show();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-bulk-all]")) return;
  for (const box of boxes()) mark(box, true);
  show();
});

document.addEventListener("reset", (event) => {
  if (event.target.id !== "bulk") return;
  for (const box of boxes()) mark(box, false);
  chosen.clear();
  show();
});

async function send(bar, fields) {
  const answer = await fetch(bar.action, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const results = page.getElementById("bulk-results");
  if (!results) { document.location.assign(answer.url); return; }
  // It is done: without a fresh list it is not sent again. What was picked meanwhile stays so.
  await reload().catch(() => {});
  for (const key of fields.getAll("keys")) chosen.delete(key);
  restore();
  document.getElementById("bulk-results")?.remove();
  results.setAttribute("role", "status");
  // On the list there is nothing to go back to: the card is closed.
  results.querySelector("[data-bulk-back]")?.remove();
  for (const close of results.querySelectorAll("[data-bulk-close]")) close.hidden = false;
  document.querySelector("[data-list]")?.before(document.adoptNode(results));
  const said = results.querySelector("h1");
  said?.classList.add("h2");
  // The button that was pressed is gone with its bar or its card; an agent who has gone on meanwhile is not brought back.
  if (said && (document.activeElement === document.body || document.activeElement?.closest("[hidden]"))) { said.tabIndex = -1; said.focus(); }
}

async function reload() {
  const part = document.querySelector("[data-list]");
  const answer = await fetch(location.href, { headers: { "X-Omniyard-Poll": "1", Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-list]");
  if (answer.ok && part && fresh) part.replaceChildren(...fresh.childNodes);
  // The numbers that the stream brings later stand in this page already.
  for (const kind of answer.ok ? ["#queues", "#list-pane .list-head", "#list-pane .pager"] : []) {
    const [shown, news] = [document, page].map((each) => each.querySelector(kind));
    if (shown && news) patch(shown, news);
  }
}

document.addEventListener("submit", (event) => {
  const bar = event.target;
  const isUndo = bar.matches("#bulk-results form");
  if ((bar.id !== "bulk" && !isUndo) || event.submitter?.value === "merge") return;
  event.preventDefault();
  const fields = new FormData(bar, event.submitter);
  send(bar, fields).catch(() => bar.submit());
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-bulk-close]")) return;
  document.getElementById("bulk-results")?.remove();
  document.querySelector("#list-pane .row .what a")?.focus();
});

export function init() {
  const list = document.querySelector("[data-list]");
  if (list && !list.dataset.picks) {
    list.dataset.picks = "1";
    new MutationObserver(restore).observe(list, { childList: true, subtree: true });
  }
  restore();
}
init();
document.addEventListener("desk:shown", init);

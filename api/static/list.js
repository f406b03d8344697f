// The list in place: changed rows, new rows and rows that leave, without a jump under the pointer or the focus.

import { patch } from "./patch.js";

const one = (selector) => document.querySelector(selector);
const PRIORITIES = ["urgent", "high", "normal", "low"];
const MOST_ROWS = 80;
const pending = new Map();

const shows = () => JSON.parse(one("#live").dataset.shows);
const parse = (html) => new DOMParser().parseFromString(html, "text/html").body.firstElementChild;

const VIEWS = {
  mine: (row, me) => row.status === "open" && row.assignee === me.name,
  unassigned: (row) => row.status === "open" && !row.assignee,
  team: (row, me) => row.status === "open" && me.teams.includes(row.team),
  overdue: (row) => row.status !== "resolved" && Boolean(row.due) && new Date(row.due) < new Date(),
  emergencies: (row) => row.status !== "resolved" && row.emergency,
  all: () => true,
};

// Whether the row belongs into the list that is shown; null when only the server knows.
function belongs(row, me) {
  const wanted = shows();
  if (wanted.opaque) return null;
  const view = VIEWS[wanted.view] || (() => row.status === wanted.view);
  const fits = ["team", "assignee", "category", "channel", "priority"].every((name) => !wanted[name] || wanted[name] === row[name]);
  return fits && view(row, me) && (!wanted.overdue || VIEWS.overdue(row)) && (!wanted.unassigned || !row.assignee);
}

const lane = (row) => Number(row.dataset.lane);
const time = (text) => (text ? new Date(text).getTime() : Infinity);

// As the server orders: danger first, then by the chosen order.
function compare(a, b) {
  if (lane(a) !== lane(b)) return lane(a) - lane(b);
  const { sort } = shows();
  const newest = time(b.dataset.at) - time(a.dataset.at);
  if (lane(a) === 2 && sort === "due" && a.dataset.due !== b.dataset.due) return time(a.dataset.due) - time(b.dataset.due) || newest;
  if (lane(a) === 2 && sort === "priority" && a.dataset.priority !== b.dataset.priority) {
    return PRIORITIES.indexOf(a.dataset.priority) - PRIORITIES.indexOf(b.dataset.priority);
  }
  return sort === "oldest" ? -newest : newest;
}

// Rows do not move under the pointer, the focus or a list that is scrolled.
function isUsed(list) {
  const pane = one("#list-pane");
  const focused = list.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
  return list.matches(":hover") || focused || [pane, one(".list-body")].some((part) => part && part.scrollTop > 60) || Boolean(list.querySelector("details[open]"));
}

// The conversations; other lines, such as the band of waiting chats, are the server's.
const rowsOf = (list) => [...list.querySelectorAll(":scope > li[data-lane]")];
const bandOf = (list) => [...list.querySelectorAll(":scope > li:not([data-lane])")];

// The band stands between the emergencies and the rest.
function placeBand(list, items) {
  const first = rowsOf(list).find((row) => lane(row) > 0) || null;
  items.forEach((each) => list.insertBefore(each, first));
}

function insert(list, row) {
  const before = rowsOf(list).find((each) => each !== row && compare(row, each) < 0);
  const isLast = !before && row.parentNode !== list && one(".pager [rel=next]");
  // It belongs to a later page.
  if (isLast) return;
  const next = lane(row) === 0 && (!before || lane(before) > 0) ? bandOf(list)[0] || before : before;
  if ((next || null) !== row.nextElementSibling || row.parentNode !== list) list.insertBefore(row, next || null);
  while (rowsOf(list).length > MOST_ROWS) rowsOf(list).at(-1).remove();
}

function pill() {
  const old = one("#pending");
  if (!pending.size) { old?.remove(); return; }
  const button = old || document.createElement("button");
  button.id = "pending";
  button.type = "button";
  button.textContent = one("#panes").dataset.new.replace("{count}", pending.size);
  if (!old) one("#live").before(button);
}

function showPending() {
  const list = one("ol.list");
  for (const row of pending.values()) insert(list, row);
  pending.clear();
  pill();
}

function unread(fresh, { was, isOpen, isNew }) {
  const is = !isOpen && (was || isNew);
  fresh.classList.toggle("unread", is);
  fresh.querySelector(".dot")?.toggleAttribute("hidden", !is);
}

// Returns "ask" when the list must be asked for.
export function patchRow(row, { isOpen, me }) {
  const is = belongs(row, me);
  const list = one("ol.list");
  if (is === null || (is && !list)) return "ask";
  const old = document.getElementById(`row-${row.id}`);
  if (!is) { if (old || pending.has(row.id)) removeRow(row.id); return ""; }
  const fresh = parse(row.html);
  const isNew = row.kinds.includes("message.received") || row.kinds.includes("conversation.opened");
  unread(fresh, { was: old?.classList.contains("unread"), isOpen, isNew });
  if (old) {
    if (isOpen || isPicked(old)) fresh.classList.add("chosen");
    const link = old.querySelector(".what a");
    if (isOpen && link) fresh.querySelector(".what a").setAttribute("aria-current", "true");
    patch(old, fresh);
    if (!isUsed(list)) insert(list, old);
    return "";
  }
  // Danger comes in at once.
  if (lane(fresh) < 2 || !isUsed(list)) { pending.delete(row.id); insert(list, fresh); }
  else pending.set(row.id, fresh);
  pill();
  return "";
}

const isPicked = (row) => Boolean(row.querySelector(".pick:checked"));

export function removeRow(id) {
  pending.delete(id);
  const row = document.getElementById(`row-${id}`);
  const list = one("ol.list");
  if (!row) { pill(); return; }
  // The row under the pointer or with the focus stays in its place, dimmed, until it is left.
  if (row.matches(":hover") || row.contains(document.activeElement)) row.classList.add("left");
  else row.remove();
  if (!list.children.length) document.dispatchEvent(new CustomEvent("desk:ask"));
  pill();
}

// Under the pointer or the focus: each row in its place.
function patchUsed(list, fresh) {
  for (const each of fresh.querySelectorAll("ol.list > li[data-lane]")) {
    const known = document.getElementById(each.id);
    if (known) patch(known, each);
    else insert(list, document.importNode(each, true));
  }
  const shown = bandOf(list);
  const kept = [...fresh.querySelectorAll("ol.list > li:not([data-lane]) .what a")].map((each) => each.getAttribute("href"));
  if (shown.some((each) => each.matches(":hover") || each.contains(document.activeElement))) {
    // A visitor who waits no more stays under the pointer, dimmed and without a clock.
    for (const each of shown) {
      const link = each.querySelector(".what a");
      if (!link || kept.includes(link.getAttribute("href"))) continue;
      each.classList.add("left");
      each.querySelector(".waits")?.remove();
    }
    return;
  }
  shown.forEach((each) => each.remove());
  placeBand(list, [...fresh.querySelectorAll("ol.list > li:not([data-lane])")].map((each) => document.importNode(each, true)));
}

// The whole list as the server has it now.
export function patchList(page) {
  const fresh = page.querySelector("#live");
  const old = one("#live");
  if (!fresh || !old) return;
  // By its link: a row of the bands has no id, and a chat goes from one band to the other.
  const path = one(".row .what a[aria-current]")?.getAttribute("href");
  const link = [...fresh.querySelectorAll(".row .what a")].find((each) => each.getAttribute("href") === path);
  link?.closest(".row").classList.add("chosen");
  link?.setAttribute("aria-current", "true");
  for (const each of fresh.querySelectorAll(".row[id]")) {
    const known = document.getElementById(each.id);
    if (known && isPicked(known)) each.classList.add("chosen");
  }
  const list = one("ol.list");
  const arrived = list ? [...fresh.querySelectorAll("ol.list > li[data-lane]")].filter((each) => !document.getElementById(each.id)) : [];
  if (list && isUsed(list)) {
    for (const each of arrived) {
      if (lane(each) === 2) { pending.set(each.id.slice(4), document.importNode(each, true)); each.remove(); }
    }
  } else pending.clear();
  if (!list || !isUsed(list)) patch(old, fresh);
  else patchUsed(list, fresh);
  for (const kind of ["#queues", "#list-pane .list-head", "#list-pane .pager"]) {
    const part = one(kind);
    const news = page.querySelector(kind);
    if (part && news) patch(part, news);
  }
  pill();
}

document.addEventListener("click", (event) => {
  if (event.target.id === "pending") showPending();
});
document.addEventListener("mouseout", () => document.querySelectorAll(".row.left:not(:hover)").forEach((row) => {
  if (row.contains(document.activeElement)) return;
  row.remove();
  // The count above a band is the server's.
  if (row.matches(".chat")) document.dispatchEvent(new CustomEvent("desk:ask"));
}));
document.addEventListener("desk:shown", (event) => {
  if (event.target.id !== "list-pane") return;
  pending.clear();
  pill();
});

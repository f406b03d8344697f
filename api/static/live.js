// The desk's stream: one for all tabs of a browser. Other scripts listen to `desk:KIND` on the document.
// Without a stream the page asks every few seconds. The pages work completely without this file.

import { ask, openCase, openList } from "./panes.js";
import { patch } from "./patch.js";
import { patchList, patchRow, removeRow } from "./list.js";

const ASK_MILLISECONDS = 5000;
// Clocks of due times go on without an event.
const CLOCK_MILLISECONDS = 60000;
const PULSE_MILLISECONDS = 9000;
// A conversation that is only passed by is not read.
const DWELL_MILLISECONDS = 1200;
const KEPT = 300;

const one = (selector) => document.querySelector(selector);
const facts = document.body.dataset;
const own = crypto.randomUUID?.() || String(Math.random());
let known = Number(one("#panes")?.dataset.after || 0);
let live = false;
let source = null;
let channel = null;
const kept = [];
// The newest changes of rows, in each tab: a page that was asked for before them does not have them.
const changes = [];
// The newest of what has no number: counts, trouble of channels.
const states = new Map();

// ---- One stream for all tabs: the tab that holds the lock has it, and tells the others.

function tell(kind, data) {
  document.dispatchEvent(new CustomEvent(`desk:${kind}`, { detail: data }));
}

function hear(message) {
  if (message.id) known = Math.max(known, message.id);
  if (["row", "gone"].includes(message.kind)) changes.push(message);
  if (changes.length > KEPT) changes.shift();
  tell(message.kind, message.data);
}

// The tab that has the stream: what may happen once a browser, such as a sound, happens there.
export function isFirst() {
  return source !== null;
}

function setLive(now) {
  if (now !== live) tell("live", now);
  live = now;
  document.documentElement.dataset.live = now ? "yes" : "no";
}

function open() {
  source?.close();
  source = new EventSource(`/desk/stream${known ? `?after=${known}` : ""}`);
  source.onopen = () => { setLive(true); channel?.postMessage({ state: true }); };
  source.onerror = () => {
    setLive(false);
    channel?.postMessage({ state: false });
    // The browser opens it again by itself, except after a refusal.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 15000);
  };
  source.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.id) kept.push(message);
    else states.set(message.kind + (message.data.id || ""), message);
    if (kept.length > KEPT) kept.shift();
    channel?.postMessage({ message });
    hear(message);
  };
}

function share(name) {
  channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => {
    if (data.to && data.to !== own) return;
    if (data.message) { setLive(true); hear(data.message); }
    else if ("state" in data) setLive(data.state);
    else if (data.hello && source) answer(data);
  };
  channel.postMessage({ hello: own, after: known });
  // Held until the tab closes; then the next one opens the stream.
  navigator.locks.request(name, () => new Promise(open));
}

function answer({ hello, after }) {
  channel.postMessage({ to: hello, state: live });
  for (const message of [...kept.filter(({ id }) => id > after), ...states.values()]) channel.postMessage({ to: hello, message });
}

function connect() {
  // Browsers know locks only on https and on this machine: else each tab that is looked at has its own stream.
  if (navigator.locks && window.BroadcastChannel) share(`omniyard-${facts.agent}-${facts.language}`);
  else {
    const change = () => { if (document.hidden) { source?.close(); setLive(false); } else open(); };
    document.addEventListener("visibilitychange", change);
    change();
  }
}

// ---- What the page shows.

let asking = false;
let isListWanted = false;
let isCaseWanted = false;
let isStale = false;

async function refresh({ list = true, conversation = true } = {}) {
  if (!one("#panes")) return;
  // What is on its way may be from before the news.
  if (asking) {
    isListWanted ||= list;
    isCaseWanted ||= conversation;
    return;
  }
  asking = true;
  try {
    if (list && one("#live")) {
      const where = openList();
      const { page, ok } = await ask(where, { poll: true });
      if (ok && where === openList()) { patchList(page); catchUpList(page); }
    }
    if (conversation) await refreshCase();
  } finally {
    asking = false;
    if (isListWanted) listSoon();
    if (isCaseWanted) caseSoon();
    isListWanted = isCaseWanted = false;
  }
}

// Of two answers on their way the older one may come last: it is not shown.
let asked = 0;
let answered = 0;

async function refreshCase() {
  const where = openCase(), mine = ++asked;
  // Not read by an agent who does not look.
  if (document.hidden) { isStale = true; return; }
  // A refused form stays until the agent decides.
  if (!where || one("#refusal")) return;
  const { page, ok } = await ask(where, { poll: true });
  const fresh = page.querySelector("#case-pane[data-case]");
  if (!ok || !fresh || where !== openCase() || mine < answered) return;
  answered = mine;
  patch(one("#case-pane"), fresh);
  news(page);
  document.dispatchEvent(new CustomEvent("desk:fresh", { detail: page }));
}

// An empty reply box takes the new version; a text that the agent has begun keeps the version that the agent has read.
function news(page) {
  const text = one("#text");
  const field = (root, name) => root.querySelector(`#reply-form [name="${name}"]`);
  const known = field(document, "version");
  if (!text || !known || !field(page, "version") || field(page, "version").value === known.value) return;
  // What the desk itself did since, such as sending what waited, is no news.
  if (text.value && field(page, "seen_at").value === field(document, "seen_at").value) return;
  if (text.value) one("#news").textContent = one("#news").dataset.said;
  else for (const name of ["version", "seen_at"]) field(document, name).value = field(page, name).value;
}

function soon(work, milliseconds) {
  let waiting = 0;
  return () => {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = 0; work().catch(() => {}); }, milliseconds);
  };
}

const listSoon = soon(() => refresh({ conversation: false }), 400);
const caseSoon = soon(refreshCase, 60);

function changeCase(row) {
  const pane = one("#case-pane[data-case]");
  if (pane?.dataset.id === row.id && Number(pane.dataset.version) !== row.version) caseSoon();
}

function changeList(row) {
  const isOpen = one("#case-pane[data-case]")?.dataset.id === row.id;
  if (one("#live") && patchRow(row, { isOpen, me: { name: facts.name, teams: JSON.parse(facts.teams) } }) === "ask") listSoon();
  // The band of waiting chats is the server's.
  else if (row.chat) listSoon();
}

const changedSince = (page) => changes.filter(({ id }) => id > Number(page.querySelector("#panes").dataset.after));

function catchUpList(page) {
  for (const { kind, data } of changedSince(page)) kind === "gone" ? removeRow(data.id) : changeList(data);
}

document.addEventListener("desk:row", ({ detail: row }) => { changeCase(row); changeList(row); });
document.addEventListener("desk:gone", ({ detail }) => removeRow(detail.id));
// Another list or conversation, by a link or an action.
document.addEventListener("desk:list", ({ detail: page }) => catchUpList(page));
document.addEventListener("desk:case", ({ detail: page }) => {
  for (const { kind, data } of changedSince(page)) if (kind === "row") changeCase(data);
});
document.addEventListener("desk:reset", () => refresh().catch(() => {}));
// Other scripts may ask for what is shown: the list, or with `detail: "conversation"` the open conversation.
document.addEventListener("desk:ask", ({ detail }) => (detail === "conversation" ? caseSoon() : listSoon()));
document.addEventListener("desk:counts", ({ detail }) => {
  for (const tab of document.querySelectorAll(".tabs a[data-view]")) {
    const number = detail.views[tab.dataset.view];
    const count = tab.querySelector(".count");
    if (count && number !== undefined) count.textContent = number.toLocaleString("en");
    const head = document.querySelector(`#list-pane [data-of="${tab.dataset.view}"]`);
    if (head && number !== undefined) head.textContent = number.toLocaleString("en");
    if (["overdue", "emergencies"].includes(tab.dataset.view)) tab.classList.toggle("hot", number > 0);
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden || !isStale) return;
  isStale = false;
  caseSoon();
});

// ---- Who else is here.

let writing = false;
let dwell = 0;

async function pulse() {
  const shown = one("[data-pulse]");
  if (!shown || document.hidden) return;
  const answer = await fetch(`${shown.dataset.pulse}?writing=${writing ? 1 : 0}`, { headers: { "X-Omniyard-Poll": "1" } });
  if (answer.ok && !answer.redirected && shown.isConnected) said((await answer.json()).said);
}

// Who leaves is not shown for the rest of their time.
function leave() {
  const shown = one("[data-pulse]");
  if (shown) fetch(`${shown.dataset.pulse}?gone=1`, { keepalive: true, headers: { "X-Omniyard-Poll": "1" } }).catch(() => {});
}

function said(words) {
  const shown = one("[data-pulse]");
  if (shown && shown.textContent !== words) shown.textContent = words;
}

document.addEventListener("desk:presence", ({ detail }) => {
  if (one("#case-pane[data-case]")?.dataset.id === detail.id) said(detail.said);
});
const beat = () => pulse().catch(() => {});
function typed() {
  const text = document.activeElement?.closest?.("#composer") && one("#text");
  const now = Boolean(text && text.value.trim());
  if (now === writing) return;
  writing = now;
  beat();
}
for (const kind of ["input", "focusin", "focusout"]) document.addEventListener(kind, () => setTimeout(typed));
document.addEventListener("desk:shown", () => {
  clearTimeout(dwell);
  writing = false;
  dwell = setTimeout(beat, DWELL_MILLISECONDS);
});

document.addEventListener("desk:leaving", (event) => { if (event.target.id === "case-pane") leave(); });
addEventListener("pagehide", leave);

if (facts.agent) {
  connect();
  beat();
  setInterval(beat, PULSE_MILLISECONDS);
  setInterval(() => { if (!live && !document.hidden) refresh().catch(() => {}); }, ASK_MILLISECONDS);
  setInterval(() => { if (live && !document.hidden) listSoon(); }, CLOCK_MILLISECONDS);
}

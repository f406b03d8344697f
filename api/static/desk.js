// Keyboard shortcuts, page updates, ready texts, the SMS counter. The pages work completely without this file.
"use strict";

const POLL_MILLISECONDS = 4000;
const POLL = { headers: { "X-Omniyard-Poll": "1", Accept: "text/html" } };
const one = (selector) => document.querySelector(selector);

function links() {
  return [...document.querySelectorAll("[data-keys] .what a")];
}

function move(step) {
  const all = links();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, here + step))].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.activeElement?.blur();
  const typing = event.target.matches("input, select, textarea");
  if (typing && event.target.id === "text" && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.form.requestSubmit();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
  if (event.key === "u") one("[data-up]")?.click();
  const target = event.key === "/" ? one("[data-search]") : /^[a-z]$/.test(event.key) ? one(`[data-key="${event.key}"]`) : null;
  if (!target) return;
  event.preventDefault();
  if (target.matches("input, textarea")) target.focus();
  else target.click();
});

// Links back lead to the last list that the agent saw.
const list = one("[data-list]");
if (list) sessionStorage.setItem("omniyard-list", location.pathname + location.search);
const from = sessionStorage.getItem("omniyard-list") || "/";
function remember() {
  document.querySelectorAll("[data-back]").forEach((field) => { field.value = from; });
  one("[data-up]")?.setAttribute("href", from);
}
remember();

function isBusy(part) {
  return part.contains(document.activeElement) || Boolean(part.querySelector("details[open] iframe"));
}

async function refresh() {
  // Do not update while the agent selects text or uses a control of the part.
  if (document.hidden || !document.getSelection().isCollapsed) return;
  const parts = [...document.querySelectorAll("[data-live]")].filter((part) => !isBusy(part));
  if (!parts.length) return;
  const answer = await fetch(location.href, POLL);
  // The session has ended: keep the page, and let the next click lead to the sign-in form.
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const tabs = one(".tabs");
  for (const part of tabs ? [...parts, tabs] : parts) {
    const fresh = part.id ? page.getElementById(part.id) : page.querySelector(".tabs");
    if (fresh && same(fresh) !== same(part)) part.replaceChildren(...fresh.childNodes);
  }
  remember();
  news(page);
}

// Ignore the key of a form, which changes with every load.
function same(part) {
  return part.innerHTML.replace(/name="key" value="\w+"/g, "").replace(/ open=""/g, "");
}

// An empty reply box takes the new version; a text that the agent has begun keeps the version that the agent has read.
function news(page) {
  const text = one("#text");
  const fresh = page.querySelector('#reply-form [name="version"]');
  const known = one('#reply-form [name="version"]');
  if (!text || !fresh || !known || fresh.value === known.value) return;
  const isRead = (page.querySelector('#reply-form [name="seen_at"]') || {}).value === one('#reply-form [name="seen_at"]').value;
  // What the desk itself did since, such as sending what waited, is no news.
  if (text.value && isRead) return;
  if (text.value) one("#news").textContent = one("#news").dataset.said;
  else for (const name of ["version", "seen_at"]) one(`#reply-form [name="${name}"]`).value = page.querySelector(`#reply-form [name="${name}"]`).value;
}

async function pulse(shown) {
  if (document.hidden) return;
  const writing = one("#text") && document.activeElement === one("#text") && one("#text").value ? 1 : 0;
  const answer = await fetch(`${shown.dataset.pulse}?writing=${writing}`, { headers: { "X-Omniyard-Poll": "1" } });
  if (answer.ok && !answer.redirected) shown.textContent = (await answer.json()).said;
}

function segments(text) {
  const basic = new Set(text.dataset.gsm);
  const extended = new Set(text.dataset.gsmExtended);
  const letters = [...text.value];
  const gsm = letters.every((letter) => basic.has(letter) || extended.has(letter));
  const width = (letter) => (gsm ? (extended.has(letter) ? 2 : 1) : letter.length);
  const units = letters.reduce((sum, letter) => sum + width(letter), 0);
  const [alone, several] = gsm ? [160, 153] : [70, 67];
  let parts = 1;
  let left = alone - units;
  if (units > alone) {
    left = several;
    for (const letter of letters) {
      if (width(letter) > left) { parts += 1; left = several; }
      left -= width(letter);
    }
  }
  const alphabet = gsm ? "GSM-7" : "UCS-2";
  return text.dataset.segments.replace("{parts}", parts).replace("{left}", left).replace("{alphabet}", alphabet);
}

const text = one("#text");
if (text) {
  const count = () => {
    const units = text.dataset.unit === "UTF16" ? text.value.length : [...text.value].length;
    one("#length").textContent = text.dataset.length.replace("{count}", units);
    one("#length").classList.toggle("warn", units > Number(text.dataset.longest));
  };
  text.addEventListener("input", count);
  count();
}
if (text?.dataset.gsm) {
  const count = () => { one("#segments").textContent = segments(text); };
  text.addEventListener("input", count);
  count();
}

one("[data-canned]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = event.target.elements.canned.selectedOptions[0];
  text.setRangeText(chosen.dataset.text, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input"));
  text.focus();
});

// Only the first page of a list updates itself; a refused form stays until the agent decides.
if (one("[data-live]") && !one("#refusal") && !new URLSearchParams(location.search).has("cursor")) {
  setInterval(() => refresh().catch(() => {}), POLL_MILLISECONDS);
}
const presence = one("[data-pulse]");
if (presence) {
  const beat = () => pulse(presence).catch(() => {});
  setInterval(beat, POLL_MILLISECONDS);
  text?.addEventListener("input", () => { if (text.value.length === 1) beat(); });
  beat();
}

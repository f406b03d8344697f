// Agents are called: numbers in the tab's title and icon, the bell, notices of the system, a sound, a strip for trouble.

import { isFirst } from "./live.js";

const one = (selector) => document.querySelector(selector);
const EMERGENCY = ["conversation.opened", "conversation.escalated", "message.received", "emergency.reopened", "emergency.escalated"];
let counts = { unread: 0, bell: 0, calls: [], views: {} };
let chats = 0;
let plain = document.title;

// ---- The tab.

function title() {
  const danger = counts.views.emergencies || 0;
  const open = counts.unread + chats;
  const marks = `${danger ? `(!${danger}) ` : ""}${open ? `(${open}) ` : ""}`;
  const wanted = marks + plain;
  if (document.title !== wanted) document.title = wanted;
  const icon = danger ? "mark-danger" : open ? "mark-unread" : "mark";
  const link = one("link[rel=icon]");
  if (link && !link.href.endsWith(`/${icon}.svg`)) link.href = `/static/${icon}.svg`;
  const bell = one("[data-bell] .count");
  if (!bell) return;
  one("[data-menu]").dataset.count = counts.bell || "";
  bell.hidden = !counts.bell;
  bell.textContent = counts.bell || "";
}

// Another part of the page gave it another title.
new MutationObserver(() => {
  if (!/^(\(!?\d+\) )+/.test(document.title)) plain = document.title;
  title();
}).observe(one("title"), { childList: true });

document.addEventListener("desk:counts", ({ detail }) => {
  counts = detail;
  title();
});

// Visitors who wait count too.
document.addEventListener("desk:waiting", ({ detail }) => {
  chats = detail.count;
  title();
  for (const reference of detail.fresh) call("chats", { title: document.body.dataset.chat, body: reference, url: `/conversations/${reference}`, tag: `chat ${reference}` });
});

// ---- Calls: once a browser, by the tab that has the stream, and never about what the agent looks at.

function isLooking(url) {
  return document.visibilityState === "visible" && document.hasFocus() && (!url || location.pathname === url);
}

function call(wish, { title: said, body, url, tag }) {
  if (!isFirst() || !counts.calls.includes(wish) || isLooking(url)) return;
  if (counts.calls.includes("sound")) sound(wish === "emergencies");
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(said, { body, tag, requireInteraction: wish === "emergencies", icon: "/static/mark.svg" });
  shown.onclick = () => {
    window.focus();
    location.assign(url);
    shown.close();
  };
}

let audio = null;
function sound(isUrgent) {
  try {
    audio ||= new AudioContext();
    for (const [place, pitch] of (isUrgent ? [880, 660, 880] : [660]).entries()) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const at = audio.currentTime + place * 0.18;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.12, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.16);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.17);
    }
  } catch { /* A browser without sound shows the notice alone. */ }
}

document.addEventListener("desk:notice", ({ detail }) => {
  const wish = detail.kind === "mentioned" ? "mentions" : "mine";
  call(wish, { ...detail, tag: `${detail.kind} ${detail.id}` });
});

// Read aloud: what customers write in my cases, at a pause; an emergency at once.
document.addEventListener("desk:row", ({ detail }) => {
  if (!detail.kinds.some((kind) => EMERGENCY.includes(kind))) return;
  if (detail.emergency) one("#calls").textContent = `${document.body.dataset.emergency}${document.body.dataset.colon}${detail.name}`;
  else if (detail.assignee === document.body.dataset.name) one("#says").textContent = `${detail.name}${document.body.dataset.colon}${detail.title}`;
});

document.addEventListener("desk:row", ({ detail }) => {
  if (!detail.emergency || detail.status === "resolved" || !detail.kinds.some((kind) => EMERGENCY.includes(kind))) return;
  const url = `/conversations/${detail.reference}`;
  call("emergencies", { title: document.body.dataset.emergency, body: `${detail.name}${document.body.dataset.colon}${detail.title}`, url, tag: `emergency ${detail.id}` });
});

// ---- The page of the bell: the browser's permission.

function allowing() {
  const button = one("[data-allow]");
  if (!button || !("Notification" in window)) return;
  const show = () => {
    const { permission } = Notification;
    button.hidden = permission !== "default";
    if (permission !== "default") one("[data-allow-said]").textContent = button.dataset[permission === "granted" ? "allowed" : "denied"];
  };
  button.addEventListener("click", () => Notification.requestPermission().then(show));
  show();
}

// The bell opens over the page where there is space; else, and in a new tab, it is a page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-bell]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (location.pathname === "/notices" || matchMedia("(max-width: 719px)").matches) return;
  event.preventDefault();
  bell(link.href).catch(() => location.assign(link.href));
});

async function bell(where) {
  const answer = await fetch(where, { headers: { "X-Omniyard-Part": "1", Accept: "text/html" } });
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#bell-page");
  if (!part) throw new Error("no bell");
  one("#bell")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "bell";
  dialog.className = "bell-pop";
  dialog.setAttribute("aria-label", part.querySelector("h1").textContent);
  dialog.append(document.importNode(part, true));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a[href^='/conversations/']")) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  allowing();
}

// ---- The strip.

const trouble = { channels: null, lost: false };

function strip() {
  const place = one("#strip");
  if (!place) return;
  const lines = [...(trouble.lost ? [document.body.dataset.lost] : []), ...(trouble.channels?.lines || [])];
  place.replaceChildren(...lines.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
  if (trouble.channels?.lines.length) {
    place.append(Object.assign(document.createElement("a"), { href: "/channels", textContent: trouble.channels.look }));
  }
  place.hidden = !lines.length;
}

document.addEventListener("desk:channels", ({ detail }) => {
  trouble.channels = detail;
  strip();
});
// A form did not leave; the stream may not have noticed.
document.addEventListener("desk:failed", () => {
  trouble.lost = true;
  strip();
  setTimeout(() => {
    trouble.lost = document.documentElement.dataset.live !== "yes";
    strip();
  }, 6000);
});
let lostAt = 0;
document.addEventListener("desk:live", ({ detail }) => {
  clearTimeout(lostAt);
  if (detail) { trouble.lost = false; strip(); }
  else lostAt = setTimeout(() => { trouble.lost = true; strip(); }, 10000);
});

allowing();

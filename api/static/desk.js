// Keys for the list, and a list that stays fresh. The pages work whole without this file.
"use strict";

const POLL_MILLISECONDS = 4000;

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
  const typing = event.target.matches("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
  if (event.key === "u") document.querySelector("[data-up]")?.click();
});

async function refresh() {
  const live = document.querySelector("[data-live]");
  // A list must not move while somebody selects text in it or is about to open a row by key.
  const busy = document.hidden || !document.getSelection().isCollapsed || live.contains(document.activeElement);
  if (busy) return;
  const answer = await fetch(location.href, { headers: { "X-Omniyard-Poll": "1", Accept: "text/html" } });
  // The session has ended: leave the last list and let the next click ask for a token.
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const selector of ["[data-live]", ".tabs"]) {
    const fresh = page.querySelector(selector);
    const shown = document.querySelector(selector);
    if (fresh && shown && fresh.innerHTML !== shown.innerHTML) shown.replaceChildren(...fresh.childNodes);
  }
}

// Pages after the first one are history and stay as they are.
if (document.querySelector("[data-live]") && !new URLSearchParams(location.search).has("cursor")) {
  setInterval(() => refresh().catch(() => {}), POLL_MILLISECONDS);
}

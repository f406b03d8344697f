// The agents' side of the chat: what the visitor does, who waits and since when. The desk's stream tells it; without the
// stream the page that is looked at asks each second.
"use strict";
{
  const one = (selector) => document.querySelector(selector);
  const isLive = () => document.documentElement.dataset.live === "yes";
  const tick = () => {
    for (const node of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(node.dataset.since)) / 1000));
      const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = String(seconds % 60).padStart(2, "0");
      node.textContent = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
    }
  };
  function show({ said, last, goes_on: goesOn }) {
    const shown = one("[data-chat-live]");
    if (!shown) return;
    // The reply box stays as it is while the agent writes; by what Enter does there, the chat may have ended meanwhile.
    const hint = one("#enter-hint");
    if (hint && hint.hidden === goesOn) {
      hint.hidden = !goesOn;
      one("#enter-key").textContent = goesOn ? "↵" : "Ctrl ↵";
      one("#text").toggleAttribute("data-enter", goesOn);
    }
    if (shown.textContent !== said) shown.textContent = said;
    if (String(last) === shown.dataset.last) return;
    shown.dataset.last = last;
    // A new line: the page need not wait for its next look.
    document.dispatchEvent(new CustomEvent("desk:ask", { detail: "conversation" }));
  }
  async function look() {
    const shown = one("[data-chat-live]");
    if (!shown || document.hidden || isLive()) return;
    const answer = await fetch(shown.dataset.chatLive, { headers: { "X-Omniyard-Poll": "1", Accept: "application/json" } });
    if (answer.ok && !answer.redirected && shown.isConnected) show(await answer.json());
  }
  // The newest of each open chat, for a conversation that is opened later.
  const known = new Map();
  const openCase = () => one("#case-pane[data-case]")?.dataset.id;
  document.addEventListener("desk:chat", ({ detail }) => {
    known.set(detail.id, detail);
    if (openCase() === detail.id) show(detail);
  });
  // The band of those who wait is the server's: it is asked for when other visitors wait.
  let band = null;
  document.addEventListener("desk:chats", ({ detail: { waiting } }) => {
    const names = waiting.map(([reference]) => reference).join();
    const fresh = band === null ? [] : waiting.filter(([reference]) => !band.split(",").includes(reference));
    document.dispatchEvent(new CustomEvent("desk:waiting", { detail: { count: waiting.length, fresh: fresh.map(([reference]) => reference) } }));
    if (one("#live") && band !== null && names !== band) document.dispatchEvent(new CustomEvent("desk:ask"));
    band = names;
    for (const [reference, isHere] of waiting) one(`.row.chat a[href="/conversations/${reference}"]`)?.closest("li").querySelector(".ring")?.classList.toggle("here", isHere);
    board().catch(() => {});
  });
  // The supervisor's board.
  async function board() {
    const shown = one("[data-chat-board]");
    if (!shown) return;
    const answer = await fetch(location.href, { headers: { "X-Omniyard-Poll": "1" } });
    const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-chat-board]");
    if (fresh) shown.replaceChildren(...fresh.children);
    tick();
  }
  tick();
  setInterval(tick, 1000);
  setInterval(() => look().catch(() => {}), 1000);
  setInterval(() => { if (!document.hidden) board().catch(() => {}); }, 10000);
  document.addEventListener("desk:shown", () => {
    tick();
    const latest = known.get(openCase());
    if (latest) show(latest);
  });
}

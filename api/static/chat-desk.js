// The agents' side of the chat: waiting times that count, and whether the visitor is there and types.
"use strict";
{
  const tick = () => {
    for (const node of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(node.dataset.since)) / 1000));
      const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = String(seconds % 60).padStart(2, "0");
      node.textContent = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
    }
  };
  const look = async () => {
    const shown = document.querySelector("[data-chat-live]");
    if (!shown || document.hidden) return;
    const answer = await fetch(shown.dataset.chatLive, { headers: { "X-Omniyard-Poll": "1", Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const { said, last } = await answer.json();
    if (shown.textContent !== said) shown.textContent = said;
    if (String(last) !== shown.dataset.last) {
      shown.dataset.last = last;
      // A new line: the page need not wait for its next look.
      document.dispatchEvent(new CustomEvent("desk:ask", { detail: "conversation" }));
    }
  };
  tick();
  setInterval(tick, 1000);
  setInterval(() => look().catch(() => {}), 1000);
  document.addEventListener("desk:shown", tick);
}

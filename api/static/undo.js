// Counts the seconds in which an answer can be taken back, and then takes the button away.
"use strict";

(() => {
  const begun = new WeakSet();

  function init(root) {
    root.querySelectorAll(".toast[data-leaves]").forEach((toast) => {
      if (begun.has(toast)) return;
      begun.add(toast);
      const ends = Date.now() + 1000 * Number(toast.dataset.leaves);
      const said = toast.querySelector("span");
      const tick = setInterval(() => {
        const left = Math.ceil((ends - Date.now()) / 1000);
        said.textContent = left > 0 ? toast.dataset.waits.replace("{seconds}", left) : toast.dataset.left;
        if (left > 0 && toast.isConnected) return;
        clearInterval(tick);
        toast.querySelector("form")?.remove();
      }, 500);
    });
  }

  document.addEventListener("desk:shown", (event) => init(event.target));
  init(document);
})();

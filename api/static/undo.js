// Counts the seconds in which an answer can be taken back, and then takes the button away. A notice goes when it is
// closed, and when nothing can be undone any more.
"use strict";

(() => {
  const begun = new WeakSet();

  // As long as the server lets an action be undone.
  const GONE_AFTER_MILLISECONDS = 120000;
  const LEFT_MILLISECONDS = 10000;

  function closes(toast) {
    const box = toast.parentElement;
    const close = () => { if (toast.isConnected) { toast.remove(); box.classList.remove("held"); } };
    toast.querySelector(".close").hidden = false;
    toast.querySelector(".close").addEventListener("click", close);
    setTimeout(close, GONE_AFTER_MILLISECONDS);
  }

  function init(root) {
    root.querySelectorAll(".toast").forEach((toast) => {
      if (!toast.querySelector(".close").hidden) return;
      closes(toast);
    });
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
        // The thread says how the answer fares.
        setTimeout(() => toast.querySelector(".close").click(), LEFT_MILLISECONDS);
      }, 500);
    });
  }

  document.addEventListener("desk:shown", (event) => init(event.target));
  init(document);
})();

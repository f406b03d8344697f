// Takes a model's text over into the reply box, and says that the model writes. Works without this file by forms.
"use strict";

(() => {
  const PRESSES = "button[name=purpose]";

  function take(event) {
    const form = event.target.closest("[data-use]");
    const box = document.querySelector("#text");
    if (!form || !box) return;
    event.preventDefault();
    const whole = form.hasAttribute("data-replaces");
    box.setRangeText(form.dataset.use, whole ? 0 : box.selectionStart, whole ? box.value.length : box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  // The model takes seconds: the page says so, and a second press asks nothing.
  function pressed(event) {
    const button = event.submitter;
    if (!button?.matches(PRESSES)) return;
    const state = document.querySelector("#generated-state");
    if (state) state.textContent = state.dataset.writing;
    button.setAttribute("aria-busy", "true");
    // After the form is read, which leaves disabled buttons out.
    setTimeout(() => { for (const each of document.querySelectorAll(PRESSES)) each.disabled = true; });
  }

  // Another tone needs words to change.
  function look() {
    const isEmpty = !document.querySelector("#text")?.value.trim();
    for (const each of document.querySelectorAll("[data-rewrites]")) each.disabled = isEmpty;
  }

  document.addEventListener("submit", take);
  document.addEventListener("submit", pressed);
  document.addEventListener("input", (event) => { if (event.target.id === "text") look(); });
  document.addEventListener("desk:shown", look);
  window.addEventListener("pageshow", () => {
    for (const each of document.querySelectorAll(PRESSES)) each.disabled = false;
    look();
  });
  look();
})();

// Keyboard shortcuts, ready texts, the SMS counter. The pages work completely without this file.

import { reach } from "./palette.js";

const one = (selector) => document.querySelector(selector);

function links() {
  return [...document.querySelectorAll("[data-keys] .what a")];
}

function move(step) {
  const all = links();
  if (!all.length) return;
  const focused = all.indexOf(document.activeElement);
  const here = focused < 0 ? all.findIndex((link) => link.hasAttribute("aria-current")) : focused;
  all[Math.min(all.length - 1, Math.max(0, here + step))].focus();
}

// The button of the tab that is chosen: a note never leaves as an answer.
function submit(form, resolves) {
  const shown = [...form.querySelectorAll("button[name=kind]")].filter((button) => button.offsetParent);
  form.requestSubmit((resolves && shown.find((button) => button.value === "resolve")) || shown[0]);
}

// The keys on a screen have no Shift Enter: there Enter adds a line.
const hasTouchKeys = matchMedia("(hover: none) and (pointer: coarse)");

// The server marks the box of a chat that goes on; a note has lines.
function sendsByEnter(event) {
  return "enter" in event.target.dataset && !hasTouchKeys.matches && !event.shiftKey && !event.altKey && Boolean(one("#mode-reply:checked"));
}

document.addEventListener("change", (event) => {
  if (event.target.name !== "mode" || event.target.form?.id !== "reply-form") return;
  event.target.form.elements.text.focus();
});

// The panes change the address without a new page: what leads back leads to what is shown now.
document.addEventListener("submit", (event) => {
  const here = event.target.querySelector("[data-here]");
  if (here) here.value = location.pathname + location.search;
}, true);

// A menu closes when the agent presses elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.drop[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});

document.addEventListener("keydown", (event) => {
  // An input method composes: its keys are no keys of the page.
  if (event.isComposing || event.keyCode === 229 || one("dialog[open]")) return;
  if (event.key === "Escape") {
    document.querySelectorAll("details.drop[open]").forEach((menu) => { menu.open = false; });
    document.activeElement?.blur();
  }
  const typing = event.target.matches("input, select, textarea");
  if (typing && event.target.id === "text" && event.key === "Enter") {
    if (event.ctrlKey || event.metaKey) submit(event.target.form, event.shiftKey);
    else if (sendsByEnter(event)) {
      event.preventDefault();
      // A key that is held down, or an empty line, sends nothing.
      if (!event.repeat && event.target.value.trim()) submit(event.target.form);
    }
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
  if (event.key === "u") one("[data-up]")?.click();
  const target = event.key === "/" ? one("[data-search]") : /^[A-Za-z]$/.test(event.key) ? one(`[data-key="${event.key}"]`) : null;
  if (!target) return;
  event.preventDefault();
  // An answer, whichever tab was used last; a note that is begun stays one.
  if (target.id === "text" && !target.value.trim()) one("#mode-reply")?.click();
  if (target.matches("input, select, textarea")) reach(target);
  else target.click();
  // A menu that opens has the focus on its first choice.
  if (target.matches("summary")) target.parentElement.querySelector("button, select, input:not([type=hidden])")?.focus();
});

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

// The reply box of the conversation that is shown.
function compose() {
  const text = one("#text");
  if (!text || text.dataset.ready) return;
  text.dataset.ready = "1";
  const count = () => {
    const units = text.dataset.unit === "UTF8" ? new TextEncoder().encode(text.value).length : text.dataset.unit === "UTF16" ? text.value.length : [...text.value].length;
    one("#length").textContent = text.dataset.length.replace("{count}", units);
    one("#length").classList.toggle("near", units > Number(text.dataset.longest) / 2);
    one("#length").classList.toggle("warn", units > Number(text.dataset.longest));
    if (text.dataset.gsm) one("#segments").textContent = segments(text);
  };
  text.addEventListener("input", count);
  count();
  one("[data-canned]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = event.target.elements.canned.selectedOptions[0];
    text.setRangeText(chosen.dataset.text, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input"));
    text.focus();
  });
}

// Other scripts put a page's parts into this one, and tell it by this event.
document.addEventListener("desk:shown", compose);
compose();

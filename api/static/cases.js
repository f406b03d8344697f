// Dialogs for pages such as merge and split, labels that complete themselves, and the keys with shift.
// Every dialog is a page too: without this file the links open it.

import { isDirty } from "./patch.js";

const asPoll = { headers: { "X-Omniyard-Poll": "1", Accept: "text/html" } };

async function openDialog(address) {
  const answer = await fetch(address, asPoll);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const body = page.querySelector("[data-dialog-body]");
  // A refusal, or the sign-in form: show the page itself.
  if (!answer.ok || !body) { location.assign(address); return; }
  const before = document.querySelector("dialog[data-opened]");
  const dialog = before || document.createElement("dialog");
  dialog.className = "dialog";
  dialog.dataset.opened = "1";
  dialog.replaceChildren(document.adoptNode(body));
  const title = dialog.querySelector("h1");
  if (title) { title.id = "dialog-title"; dialog.setAttribute("aria-labelledby", "dialog-title"); }
  if (!before) {
    document.body.append(dialog);
    const opener = document.activeElement;
    // After the keys of the page, which leave a field on Escape.
    dialog.addEventListener("close", () => { dialog.remove(); setTimeout(() => opener?.focus()); });
    dialog.showModal();
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const closing = event.target.closest("[data-dialog-close]");
  if (closing?.closest("dialog")) { event.preventDefault(); closing.closest("dialog").close(); return; }
  const link = event.target.closest("a[data-dialog]");
  if (!link) return;
  event.preventDefault();
  openDialog(link.href).catch(() => location.assign(link.href));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-dialog]")) return;
  event.preventDefault();
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  openDialog(address).catch(() => location.assign(address));
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.target.matches("input, select, textarea, [contenteditable]")) return;
  if (!event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = document.querySelector(`[data-shift-key="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); button.click(); }
});

// What can be set of a case: the button comes with a change, and goes with its taking back.
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, ({ target }) => {
    const form = target.closest?.(".properties form.inline");
    if (form) form.classList.toggle("changed", isDirty(target));
  });
}

const offered = () => {
  const known = document.getElementById("known-labels");
  if (known) return known;
  const made = document.createElement("datalist");
  made.id = "known-labels";
  document.body.append(made);
  return made;
};

// Asked for when a field of labels gets the focus, once a page.
let asked = false;
document.addEventListener("focusin", async (event) => {
  if (!event.target.matches("input[data-labels]")) return;
  event.target.setAttribute("list", "known-labels");
  const list = offered();
  if (asked) return;
  asked = true;
  const answer = await fetch("/labels", { headers: { "X-Omniyard-Poll": "1", Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return;
  const { labels } = await answer.json();
  list.replaceChildren(...labels.map((label) => Object.assign(document.createElement("option"), { value: label })));
});

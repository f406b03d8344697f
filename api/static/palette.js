// Ctrl-K opens the palette, `?` the sheet of keys, `g` and a letter another place.
// The palette has what the page has: its views, its rows, its buttons; nothing that a mouse could not reach.

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const GO = {
  m: "/?view=mine", u: "/?view=unassigned", o: "/?view=open", e: "/?view=emergencies", d: "/?view=overdue",
  s: "/?view=snoozed", p: "/?view=pending", r: "/?view=resolved", a: "/?view=all", n: "/notices",
};
// What a button next to its field does is reached by the field.
const CONTROLS = ["#question button", "#actions button:not(.inline button)", "aside button:not(.inline button)", "aside select", "aside input[name=label]", ".composer button"].map((each) => `#case-pane ${each}`).join();
const GO_MILLISECONDS = 1500;
const MOST = 12;

function part(name) {
  const known = document.getElementById(name);
  if (known) return known;
  document.body.append(one(`#${name}-part`).content.cloneNode(true));
  const made = document.getElementById(name);
  if (name === "palette") wire(made);
  return made;
}

const words = (element) => (element.getAttribute("aria-label") || element.innerText || element.textContent || "").replace(/\s+/g, " ").trim();

// With the name of the menu that it is in: "Snooze: 1 hour".
function named(control) {
  const own = words(control.labels?.[0]?.querySelector("span") || control);
  const menu = control.closest("details")?.querySelector("summary");
  return own && menu ? `${words(menu)}${document.body.dataset.colon}${own}` : own;
}

// A link that the panes open in place, if they are there.
function follow(href) {
  const link = all("#panes a[href]").find((each) => each.getAttribute("href") === href);
  if (link) { link.click(); return; }
  const made = Object.assign(document.createElement("a"), { href });
  (one("#panes") || document.body).append(made);
  made.click();
  made.remove();
}

function press(button) {
  if (!button.isConnected) return;
  if (button.matches("input, select, textarea")) reach(button);
  else button.click();
}

// A control may be in the customer's drawer, or in a part that is folded.
export function reach(control) {
  if (!control.offsetParent) one("[data-customer][aria-expanded=false]")?.click();
  control.closest("details")?.setAttribute("open", "");
  control.focus();
}

function commands() {
  const go = all(".tabs a[data-view], .top nav a, .bell").map((link) => ({ group: "go", said: words(link), href: link.getAttribute("href") }));
  const rows = all("#list-pane .row").map((row) => ({
    group: "rows", said: `${words(row.querySelector(".name"))}${document.body.dataset.colon}${words(row.querySelector(".what a"))}`, href: row.querySelector(".what a").getAttribute("href"),
  }));
  const buttons = all(CONTROLS).filter((each) => named(each)).map((each) => ({ group: "do", said: named(each), key: each.dataset.key, run: () => press(each) }));
  const looks = all(".who .switch, .who form button").map((each) => ({ group: "do", said: words(each), run: () => each.click() }));
  return [...buttons, ...go, ...rows, ...looks];
}

function found(dialog, said) {
  const wanted = said.trim().toLowerCase();
  const fits = commands().filter((each) => each.said.toLowerCase().includes(wanted));
  const most = wanted ? fits : fits.filter((each) => each.group !== "rows");
  const shown = ["do", "go", "rows"].flatMap((group) => most.filter((each) => each.group === group).slice(0, MOST));
  if (wanted) shown.push({ group: "", said: dialog.dataset.find.replace("{words}", said.trim()), href: `/search?q=${encodeURIComponent(said.trim())}` });
  shown.push({ group: "", said: dialog.dataset.keys, key: "?", run: sheet });
  return shown;
}

function draw(dialog, state) {
  const list = dialog.querySelector("ul");
  let group = null;
  list.replaceChildren();
  state.shown.forEach((each, number) => {
    if (each.group !== group && each.group) {
      const head = Object.assign(document.createElement("li"), { className: "group", textContent: dialog.dataset[each.group] });
      head.setAttribute("role", "presentation");
      list.append(head);
    }
    group = each.group;
    const item = document.createElement("li");
    item.id = `palette-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(number === state.here));
    item.append(Object.assign(document.createElement("span"), { textContent: each.said }));
    if (each.key) item.append(Object.assign(document.createElement("kbd"), { textContent: each.key.toUpperCase() }));
    item.addEventListener("click", (event) => run(dialog, each, event.ctrlKey || event.metaKey));
    list.append(item);
  });
  dialog.querySelector("input").setAttribute("aria-activedescendant", `palette-${state.here}`);
  document.getElementById(`palette-${state.here}`)?.scrollIntoView({ block: "nearest" });
}

function run(dialog, chosen, inTab) {
  dialog.close();
  if (!chosen) return;
  if (chosen.run) chosen.run();
  else if (inTab) window.open(chosen.href);
  else follow(chosen.href);
}

function wire(dialog) {
  const field = dialog.querySelector("input");
  const state = { shown: [], here: 0 };
  const look = () => {
    state.shown = found(dialog, field.value);
    state.here = 0;
    draw(dialog, state);
  };
  field.addEventListener("input", look);
  dialog.addEventListener("palette:open", () => { field.value = ""; look(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      state.here = (state.here + step + state.shown.length) % state.shown.length;
      draw(dialog, state);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      run(dialog, state.shown[state.here], event.ctrlKey || event.metaKey);
    }
  });
}

function palette() {
  const dialog = part("palette");
  if (dialog.open) { dialog.close(); return; }
  dialog.showModal();
  dialog.dispatchEvent(new Event("palette:open"));
  dialog.querySelector("input").focus();
}

function sheet() {
  part("keys").showModal();
}

let goingUntil = 0;

// Before the keys of the page, which have the same letters.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (event.target.matches("input, select, textarea, [contenteditable]")) return;
  if (Date.now() < goingUntil) {
    goingUntil = 0;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (GO[event.key]) follow(GO[event.key]);
  } else if (event.key === "g") {
    goingUntil = Date.now() + GO_MILLISECONDS;
  } else if (event.key === "?") {
    event.preventDefault();
    sheet();
  }
}, true);

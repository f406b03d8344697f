// List, conversation and customer side by side: moving through the list loads parts, not pages.
// The address is that of the conversation, or of the list while none is open. Every link works without this file.

const PART = { "X-Omniyard-Part": "1", Accept: "text/html" };
const POLL = { "X-Omniyard-Poll": "1" };
const one = (selector) => document.querySelector(selector);
const address = () => location.pathname + location.search;
const isCase = (url) => /^\/conversations\/[^/]+$/.test(url.pathname);

// A page of the desk, or null when it is not one: the session has ended, or the connection is gone.
export async function ask(where, { poll = false, ...more } = {}) {
  const answer = await fetch(where, { ...more, headers: { ...PART, ...(poll ? POLL : {}) } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const url = new URL(answer.url);
  return { page, ok: Boolean(page.querySelector("#panes")), url, path: url.pathname + url.search };
}

// Put a fresh element in the place of an old one, and tell the other scripts.
export function show(old, fresh) {
  old.dispatchEvent(new CustomEvent("desk:leaving", { bubbles: true }));
  const shown = document.importNode(fresh, true);
  old.replaceWith(shown);
  shown.dispatchEvent(new CustomEvent("desk:shown", { bubbles: true }));
  return shown;
}

const state = { list: "/", case: null };
// The newest asking of each part: an older answer comes to nothing.
let askedCase = 0;
let askedList = 0;
let listTop = 0;

export function openCase() {
  return state.case;
}

export function openList() {
  return state.list;
}

function write(push) {
  const where = state.case || state.list;
  history[push ? "pushState" : "replaceState"]({ ...state }, "", where);
  sessionStorage.setItem("omniyard-list", state.list);
  one("#panes").dataset.panes = state.case ? "case" : "list";
  // On a phone the bar of queues leaves its place to the conversation.
  document.body.classList.toggle("in-case", Boolean(state.case));
  remember();
  mark();
}

// Links back and forms that leave a conversation lead to the list that the agent saw last.
function remember() {
  document.querySelectorAll("[data-back]").forEach((field) => { field.value = state.list; });
  one("[data-up]")?.setAttribute("href", state.list);
}

// News of the conversation has the server's.
document.addEventListener("desk:fresh", remember);

// The row of the conversation that is open.
function mark() {
  const path = state.case?.split("?")[0];
  for (const link of document.querySelectorAll("#list-pane .row .what a")) {
    const is = link.getAttribute("href") === path;
    const row = link.closest(".row");
    row.classList.toggle("chosen", is || Boolean(row.querySelector(".pick:checked")));
    if (!is) { link.removeAttribute("aria-current"); continue; }
    link.setAttribute("aria-current", "true");
    row.classList.remove("unread");
    row.querySelector(".dot")?.setAttribute("hidden", "");
  }
}

function notices(page) {
  const fresh = page.querySelector(".toasts");
  if (fresh?.children.length) show(one(".toasts"), fresh);
}

export async function showCase(where, { push = true, focus = false } = {}) {
  const turn = (askedCase += 1);
  if (one("#panes").dataset.panes === "list") listTop = scrollY;
  one("#case-pane").setAttribute("aria-busy", "true");
  const { page, ok, path, url } = await ask(where);
  if (turn !== askedCase) return;
  if (!ok || !isCase(url)) { location.assign(where); return; }
  put(page, path, { push, focus });
}

const arrived = (kind, page) => document.dispatchEvent(new CustomEvent(`desk:${kind}`, { detail: page }));

function put(page, path, { push, focus }) {
  state.case = path;
  document.title = page.title;
  // What had the focus goes with the old pane or the old notice, as the button that was pressed.
  const hadFocus = document.activeElement?.closest("#composer, #case-pane, .toasts");
  const shown = show(one("#case-pane"), page.querySelector("#case-pane"));
  notices(page);
  write(push);
  if (matchMedia("(max-width: 719px)").matches) scrollTo(0, 0);
  toNewest(shown);
  const heading = shown.querySelector("#head h1");
  if (focus) heading?.focus({ preventScroll: true });
  else if (hadFocus) refocus(shown, heading, hadFocus.id === "composer");
  arrived("case", page);
}

// An answer that was taken back is written on, and so is a chat; after every other action the keys of the desk work at once.
function refocus(shown, heading, wrote) {
  const text = shown.querySelector("#text");
  if (text?.value || (wrote && text?.hasAttribute("data-enter"))) text.focus({ preventScroll: true });
  else heading?.focus({ preventScroll: true });
}

// A long conversation begins at its newest message.
function toNewest(shown) {
  const story = shown.querySelector("#story");
  const last = story?.querySelector("article:last-of-type");
  if (last && story.scrollHeight > story.clientHeight) story.scrollTop = last.offsetTop - story.offsetTop;
}

function emptyCase(page) {
  const empty = page?.querySelector("#case-pane:not([data-case])");
  if (empty) show(one("#case-pane"), empty);
}

// A conversation that was asked for before does not come any more.
function leaveCase() {
  one("#case-pane").removeAttribute("aria-busy");
  return (askedCase += 1);
}

export async function showList(where, { push = true, keep = false, poll = false } = {}) {
  const turn = (askedList += 1);
  const turnOfCase = keep ? 0 : leaveCase();
  const { page, ok, path, url } = await ask(where, { poll });
  if (turn !== askedList || (!keep && turnOfCase !== askedCase)) return;
  if (!ok || url.pathname !== "/") { if (!poll) location.assign(where); return; }
  place(page, path, { push, keep });
}

function place(page, path, { push, keep }) {
  state.list = path;
  const was = state.case;
  const number = rows().findIndex((link) => link.hasAttribute("aria-current"));
  show(one("#list-pane"), page.querySelector("#list-pane"));
  queues(page);
  if (!keep) {
    state.case = null;
    emptyCase(page);
    document.title = page.title;
  }
  notices(page);
  write(push);
  if (!keep && was) back(was, number);
  arrived("list", page);
}

// The queues stand in the column of the whole desk.
function queues(page) {
  const fresh = page.querySelector("#queues");
  if (fresh) show(one("#queues"), fresh);
  if (one(".top.open")) one("[data-menu]").click();
}

function rows() {
  return [...document.querySelectorAll("#list-pane .row .what a")];
}

// The row one came from keeps its place; when it has left the list, the focus goes to the row that has its place now.
function back(was, number = -1) {
  if (matchMedia("(max-width: 719px)").matches) scrollTo(0, listTop);
  const links = rows();
  const link = links.find((each) => was && each.getAttribute("href") === was.split("?")[0]) || links[Math.max(0, Math.min(number, links.length - 1))];
  link?.focus({ preventScroll: true });
  link?.scrollIntoView({ block: "nearest" });
}

function closeCase({ push }) {
  leaveCase();
  const was = state.case;
  state.case = null;
  const pane = one("#case-pane");
  const empty = document.createElement("section");
  empty.id = "case-pane";
  empty.className = "pane";
  empty.setAttribute("aria-label", pane.getAttribute("aria-label"));
  empty.innerHTML = "<p class=\"empty\"></p>";
  empty.firstChild.textContent = one("#panes").dataset.empty;
  show(pane, empty);
  document.title = one("#panes").dataset.title;
  write(push);
  back(was);
}

function toList(where, { push = true } = {}) {
  // The list is there already: only the conversation closes.
  if (where === state.list && one("#list-pane").children.length) closeCase({ push });
  else showList(where, { push }).catch(() => location.assign(where));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!one("#panes") || !link.closest("#panes, #queues, .toasts, #bell") || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin) return;
  const where = url.pathname + url.search;
  if (isCase(url)) showCase(where, { focus: event.detail === 0 }).catch(() => location.assign(where));
  else if (url.pathname !== "/") return;
  else if (link.closest("#list-pane, #queues") && state.case) showList(where, { keep: true }).catch(() => location.assign(where));
  else toList(where);
  event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !one("#panes") || !form.closest("#panes, .toasts")) return;
  const url = new URL(actionOf(form, event.submitter));
  if (form.method === "get") {
    const where = `/?${new URLSearchParams([...new FormData(form)].filter(([, value]) => value))}`;
    if (url.pathname !== "/") return;
    event.preventDefault();
    showList(where, { keep: Boolean(state.case) }).catch(() => location.assign(where));
    return;
  }
  if (!/^\/(conversations\/|undo$)/.test(url.pathname) || form.hasAttribute("data-plain")) return;
  event.preventDefault();
  send(form, event.submitter).catch(() => {
    form.removeAttribute("aria-busy");
    document.dispatchEvent(new CustomEvent("desk:failed"));
  });
});

// A button may have an action of its own.
function actionOf(form, button) {
  return button?.hasAttribute("formaction") ? button.formAction : form.action;
}

// An action: its answer is the page that it leads to.
async function send(form, button) {
  if (form.getAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const fields = new FormData(form);
  if (button?.name) fields.append(button.name, button.value);
  const body = form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields);
  const turn = leaveCase();
  const { page, ok, path, url } = await ask(actionOf(form, button), { method: "POST", body });
  form.removeAttribute("aria-busy");
  if (!ok) { refuse(page, url); return; }
  // An agent who has gone on meanwhile is not brought back, except by a refusal.
  if (turn !== askedCase && !page.querySelector("#refusal")) { notices(page); return; }
  const shown = page.querySelector("#case-pane[data-case]");
  if (shown) {
    const where = isCase(url) ? path : shown.dataset.case;
    put(page, where, { push: where !== state.case, focus: false });
    return;
  }
  askedList += 1;
  place(page, path, { push: true, keep: false });
}

// The session has ended, or the desk is in trouble: said above the conversation, in which everything stays as it was typed.
function refuse(page, url) {
  const said = document.createElement("div");
  said.id = "refusal";
  said.className = "alarm";
  said.setAttribute("role", "alert");
  said.textContent = page.querySelector("main")?.textContent.replace(/\s+/g, " ").trim().slice(0, 300) || page.title;
  if (url.pathname === "/sign-in") {
    const link = Object.assign(document.createElement("a"), { href: "/sign-in", target: "_blank", textContent: page.title });
    said.replaceChildren(document.body.dataset.ended, " ", link);
  }
  one("#refusal")?.remove();
  (one("#case-pane[data-case]") || one("#list-pane")).prepend(said);
}

addEventListener("popstate", (event) => {
  if (!event.state || !one("#panes")) return;
  const { list, case: kept } = event.state;
  const go = async () => {
    if (list !== state.list) await showList(list, { push: false, keep: true });
    if (kept && kept !== state.case) await showCase(kept, { push: false });
    else if (!kept) { if (state.case) closeCase({ push: false }); }
  };
  go().catch(() => location.reload());
});

// The menu on a phone, and the customer's pane where there is no space for three.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-menu], [data-customer]");
  if (!button) return;
  const isOpen = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(isOpen));
  if (button.matches("[data-menu]")) one(".top").classList.toggle("open", isOpen);
  if (isOpen && button.matches("[data-customer]")) one("#customer a, #customer button")?.focus();
});

function start() {
  const panes = one("#panes");
  if (!panes) return;
  const open = one("#case-pane").dataset.case;
  state.list = open ? history.state?.list || sessionStorage.getItem("omniyard-list") || "/" : address();
  // The answer to a form that was sent without a script has the form's address.
  state.case = open ? (isCase(location) ? address() : open) : null;
  write(false);
  if (!open) return;
  toNewest(one("#case-pane"));
  if (matchMedia("(min-width: 720px)").matches) showList(state.list, { push: false, keep: true, poll: true }).catch(() => {});
}

start();

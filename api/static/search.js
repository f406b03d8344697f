// The search box shows results while one types; filters act when they are changed.
// Without this file the box leads to the page of results, and the filters have a button.

const box = () => document.getElementById("find");
let timer = 0;
let latest = 0;

function panel() {
  let made = document.getElementById("find-panel");
  if (!made) {
    made = document.createElement("div");
    made.id = "find-panel";
    made.hidden = true;
    box().form.append(made);
  }
  return made;
}

function close() {
  const made = document.getElementById("find-panel");
  if (made) made.hidden = true;
}

async function look(words) {
  const number = ++latest;
  const answer = await fetch(`/search?q=${encodeURIComponent(words)}`, { headers: { "X-Omniyard-Poll": "1", Accept: "text/html" } });
  if (!answer.ok || answer.redirected || number !== latest) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector("[data-found]");
  if (!found || number !== latest || document.activeElement !== box()) return;
  // Ids stay those of the page.
  for (const each of found.querySelectorAll("[id]")) each.removeAttribute("id");
  for (const each of found.querySelectorAll("[aria-labelledby]")) each.removeAttribute("aria-labelledby");
  panel().replaceChildren(...found.childNodes);
  panel().hidden = false;
}

document.addEventListener("input", (event) => {
  if (event.target !== box() || event.isComposing) return;
  clearTimeout(timer);
  const words = box().value.trim();
  if (words.length < 2) { latest += 1; close(); return; }
  timer = setTimeout(() => look(words).catch(() => {}), 250);
});

document.addEventListener("compositionend", (event) => {
  if (event.target === box()) box().dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("keydown", (event) => {
  const shown = document.getElementById("find-panel");
  if (event.isComposing || !shown || shown.hidden || !event.target.closest(".find")) return;
  if (event.key === "Escape") { close(); box().focus(); event.stopPropagation(); return; }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const stops = [box(), ...shown.querySelectorAll("a")];
  const here = stops.indexOf(document.activeElement);
  stops[(here + (event.key === "ArrowDown" ? 1 : -1) + stops.length) % stops.length].focus();
}, true);

document.addEventListener("focusout", (event) => {
  if (event.target.closest?.(".find") && !event.relatedTarget?.closest?.(".find")) close();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  // A day that is typed changes with each key: its form has a button.
  if (form && event.target.type !== "date") form.requestSubmit();
});

function init() {
  const filters = document.querySelector("[data-filters]:not([data-ready])");
  if (filters) {
    filters.dataset.ready = "1";
    filters.open = innerWidth >= 720 && sessionStorage.getItem("omniyard-filters") === "1";
    filters.addEventListener("toggle", () => sessionStorage.setItem("omniyard-filters", filters.open ? "1" : ""));
  }
  for (const form of document.querySelectorAll("form[data-auto]:not([data-ready])")) {
    form.dataset.ready = "1";
    form.querySelector("[data-auto-hidden]")?.setAttribute("hidden", "");
    // Empty fields would only make the address long.
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
    });
  }
}
init();
document.addEventListener("desk:shown", init);

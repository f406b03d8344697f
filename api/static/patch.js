// Bring a part of the page up to date in place: what an agent uses at the moment is never replaced.

// A part that another script keeps: the reply box, who else is here.
const OWN = "[data-own]";

export function isDirty(field) {
  if (field.type === "hidden" || field.disabled) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return "defaultValue" in field && field.value !== field.defaultValue;
  const options = [...field.options];
  const chosen = options.map((option) => option.defaultSelected).lastIndexOf(true);
  return options.length > 0 && field.selectedIndex !== Math.max(0, chosen);
}

// Whether the agent uses this part: a field has the focus or a value of theirs, or text of it is selected.
export function isHeld(part) {
  const focused = document.activeElement;
  if (focused?.matches("input, select, textarea, [contenteditable]") && part.contains(focused)) return true;
  if ([...part.querySelectorAll("input, select, textarea")].some(isDirty)) return true;
  return isSelected(part);
}

function isSelected(node) {
  const selection = document.getSelection();
  return Boolean(selection) && !selection.isCollapsed && selection.containsNode(node, true);
}

// Returns whether something was left as it was, because the agent uses it.
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return false;
  if (old.nodeType === Node.TEXT_NODE || old.nodeType === Node.COMMENT_NODE) return patchText(old, fresh);
  if (old.matches(OWN)) return false;
  if (old.tagName === "FORM" && isHeld(old)) return true;
  patchAttributes(old, fresh);
  return old.tagName === "IFRAME" ? false : patchChildren(old, fresh);
}

function patchText(old, fresh) {
  if (old.data === fresh.data) return false;
  if (isSelected(old)) return true;
  old.data = fresh.data;
  return false;
}

// What the agent has opened stays open, what is on its way stays so, and a heading keeps the focus that was put there:
// these attributes are never the server's.
const PAGES = ["aria-expanded", "aria-busy", "tabindex"];
const isPages = (element, name) => PAGES.includes(name) || (element.tagName === "DETAILS" && name === "open");

function patchAttributes(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !isPages(old, name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isPages(old, name)) old.removeAttribute(name);
  }
}

function patchChildren(old, fresh) {
  const kept = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  let stale = false;
  let here = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    while (here && !fits(here, child) && isLeaving(here, kept)) {
      const next = here.nextSibling;
      stale = drop(here) || stale;
      here = next;
    }
    const match = here && fits(here, child) ? here : known(old, child);
    if (!match) {
      old.insertBefore(document.importNode(child, true), here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    stale = patch(match, child) || stale;
  }
  while (here) {
    const next = here.nextSibling;
    stale = drop(here) || stale;
    here = next;
  }
  return stale;
}

function fits(node, child) {
  return node.nodeType === child.nodeType && node.nodeName === child.nodeName && (node.id || "") === (child.id || "");
}

function known(old, child) {
  return child.id ? [...old.children].find((each) => each.id === child.id && each.nodeName === child.nodeName) : null;
}

// An element with an id that comes again stays; of those without one, only what the agent uses.
function isLeaving(node, kept) {
  return node.nodeType === Node.ELEMENT_NODE ? Boolean(node.id) && !kept.has(node.id) : false;
}

function drop(node) {
  if (node.nodeType === Node.ELEMENT_NODE && (node.matches(OWN) || isHeld(node))) return true;
  node.remove();
  return false;
}

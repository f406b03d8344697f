// A picture of a message, large, over the page: Escape, the button or a press next to it closes it, and the focus goes
// back to where it was opened. Without this file, and with a key held, the link opens the picture alone.
function shown(link) {
  const { close, tab } = link.parentElement.dataset, name = link.dataset.name;
  const dialog = document.createElement("dialog"), picture = document.createElement("img"), foot = document.createElement("form");
  const alone = document.createElement("a"), button = document.createElement("button");
  dialog.className = "lightbox";
  dialog.setAttribute("aria-label", name);
  picture.alt = name;
  picture.src = alone.href = link.href;
  foot.method = "dialog";
  Object.assign(alone, { textContent: tab, target: "_blank", rel: "noopener" });
  Object.assign(button, { textContent: close, className: "plain", autofocus: true });
  foot.append(Object.assign(document.createElement("span"), { textContent: name, className: "cut" }), alone, button);
  dialog.append(picture, foot);
  return dialog;
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".pictures a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const dialog = shown(link), href = link.getAttribute("href");
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The message may have been painted again meanwhile.
    const opener = link.isConnected ? link : document.querySelector(`.pictures a[href="${href}"]`);
    setTimeout(() => opener?.focus());
  });
  document.body.append(dialog);
  dialog.showModal();
});

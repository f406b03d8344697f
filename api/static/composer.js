// The tools of the answer box: bold, lists, links, files by dropping and pasting, and the fields of a mail.
"use strict";

(() => {
  const begun = new WeakSet();

  class Tools {
    constructor(form) {
      this.form = form;
      this.text = form.elements.text;
      form.querySelectorAll("[data-mark]").forEach((button) => button.addEventListener("click", () => this.mark(button.dataset.mark)));
      form.querySelector("#reply-all")?.addEventListener("click", (event) => this.all(event.target));
      this.text.addEventListener("keydown", (event) => {
        if (event.isComposing || event.keyCode === 229 || !(event.ctrlKey || event.metaKey)) return;
        const mark = { b: "bold", k: "link" }[event.key];
        if (!mark || !form.querySelector("[data-mark]")) return;
        event.preventDefault();
        event.stopPropagation();
        this.mark(mark);
      });
      this.files = document.querySelector("#answer-files");
      // A first mail has no place on the server yet: its files stay in its own field and leave with it.
      this.own = form.querySelector("input[type=file]");
      if (this.files || this.own) this.takesFiles();
    }

    mark(kind) {
      const { selectionStart: from, selectionEnd: to, value } = this.text;
      const chosen = value.slice(from, to);
      if (kind === "bold") this.put(`**${chosen}**`, from + 2, from + 2 + chosen.length);
      if (kind === "link") {
        const words = chosen || this.form.dataset.link;
        const start = from + words.length + 3;
        this.put(`[${words}](https://)`, start, start + 8);
      }
      if (kind === "list") {
        // A list begins on a line of its own, after an empty one.
        const before = from && !value.slice(0, from).endsWith("\n\n") ? (value[from - 1] === "\n" ? "\n" : "\n\n") : "";
        const lines = `${before}${(chosen || "").split("\n").map((line) => `- ${line}`).join("\n")}`;
        this.put(lines, from + lines.length, from + lines.length);
      }
    }

    put(text, from, to) {
      this.text.setRangeText(text);
      this.text.setSelectionRange(from, to);
      this.text.focus();
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }

    all(button) {
      const field = this.form.elements.copies;
      const known = field.value.split(/[\s,;，；]+/).filter(Boolean);
      field.value = [...new Set([...known, ...button.dataset.everyone.split(" ")])].join(", ");
      field.closest("details").open = true;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }

    takesFiles() {
      const box = this.form.closest(".composer") || this.form;
      const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
      box.addEventListener("dragover", (event) => { if (carries(event)) { event.preventDefault(); box.classList.add("dropping"); } });
      box.addEventListener("dragleave", () => box.classList.remove("dropping"));
      box.addEventListener("drop", (event) => {
        box.classList.remove("dropping");
        if (!carries(event)) return;
        event.preventDefault();
        this.send([...event.dataTransfer.files]);
      });
      this.text.addEventListener("paste", (event) => {
        const files = [...(event.clipboardData?.files || [])];
        // A copied text may have a picture of itself; the text is meant.
        if (!files.length || event.clipboardData.types.includes("text/plain")) return;
        event.preventDefault();
        this.send(files);
      });
      if (!this.files) return;
      const input = this.files.querySelector("input[type=file]");
      this.files.querySelector(":scope > button").hidden = true;
      input.addEventListener("change", () => this.send([...input.files]));
      this.files.addEventListener("submit", (event) => {
        if (!event.submitter?.hasAttribute("formaction")) return;
        event.preventDefault();
        event.stopPropagation();
        this.post(event.submitter.getAttribute("formaction"), undefined);
      });
    }

    async send(files) {
      if (!files.length) return;
      if (this.own) {
        const all = new DataTransfer();
        [...this.own.files, ...files].forEach((file) => all.items.add(file));
        this.own.files = all.files;
        return;
      }
      const body = new FormData();
      files.forEach((file) => body.append("files", file, file.name || "picture.png"));
      await this.post(this.files.getAttribute("action"), body);
    }

    async post(address, body) {
      const said = this.files.querySelector("[role=status]");
      said.textContent = this.form.dataset.saving;
      const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
      if (!answer) { said.textContent = this.form.dataset.offline; return; }
      if (!answer.ok) { said.textContent = (await answer.json().catch(() => ({}))).detail || answer.statusText; return; }
      // The list as the server shows it.
      const page = await fetch(location.pathname, { headers: { Accept: "text/html", "X-Omniyard-Poll": "1" } });
      if (!page.ok || page.redirected) return;
      const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("#answer-files .shown");
      if (fresh) this.files.querySelector(".shown").replaceChildren(...fresh.childNodes);
      this.files.querySelector("input[type=file]").value = "";
      said.textContent = "";
    }
  }

  // A form whose text has no place on the server yet: the tab keeps it until it is sent.
  function keep(form) {
    const place = `omniyard-form:${form.getAttribute("action")}`;
    const named = [...form.elements].filter((field) => field.name && !["hidden", "file"].includes(field.type) && !field.closest("[data-canned]"));
    if (!document.querySelector("#refusal")) {
      let kept = {};
      try { kept = JSON.parse(sessionStorage.getItem(place)) || {}; } catch { /* Nothing that can be read is kept. */ }
      for (const field of named) if (!field.value || field.tagName === "SELECT") field.value = kept[field.name] || field.value;
    }
    form.addEventListener("input", () => {
      sessionStorage.setItem(place, JSON.stringify(Object.fromEntries(named.map((field) => [field.name, field.value]))));
    });
    let isSent = false;
    // Kept until a page says that it was done: the session may have ended.
    form.addEventListener("submit", () => { isSent = true; sessionStorage.setItem("omniyard-sent-form", place); });
    window.addEventListener("beforeunload", (event) => { if (!isSent && form.elements.text?.value) event.preventDefault(); });
  }

  function init(root) {
    const sent = sessionStorage.getItem("omniyard-sent-form");
    if (sent && document.querySelector(".toast")) { sessionStorage.removeItem(sent); sessionStorage.removeItem("omniyard-sent-form"); }
    const kept = root.querySelector("form[data-keep]");
    if (kept && !begun.has(kept)) { begun.add(kept); keep(kept); }
    const form = root.querySelector("#reply-form, #new-mail");
    // A form that is kept is in the set already.
    if (form?.elements.text && !form.dataset.tools) { form.dataset.tools = "1"; new Tools(form); }
  }

  document.addEventListener("desk:shown", (event) => init(event.target));
  init(document);
})();

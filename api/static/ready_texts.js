// The menu of ready texts that "/" opens in the answer box, and the search on the page of ready texts.
"use strict";

(() => {
  const begun = new WeakSet();
  const SHOWN = 40;

  class ReadyMenu {
    constructor(form) {
      this.form = form;
      this.text = form.elements.text;
      this.menu = form.querySelector("#ready-menu");
      this.search = this.menu.querySelector("input");
      this.list = this.menu.querySelector("[role=listbox]");
      this.folders = this.menu.querySelector(".ready-folders");
      this.texts = [...document.querySelectorAll("[data-canned] option")].map((option) => ({ option, ...option.dataset }));
      this.names = ["", ...new Set(this.texts.map((each) => each.folder))];
      this.folder = "";
      this.at = 0;
      this.text.addEventListener("keydown", (event) => this.opened(event));
      this.text.addEventListener("input", () => this.gaps());
      this.gaps();
      this.search.addEventListener("input", () => { this.at = 0; this.show(); });
      this.menu.addEventListener("keydown", (event) => this.pressed(event));
      form.querySelector("#ready-open")?.addEventListener("click", () => this.open());
      form.querySelector("#macro-drop")?.addEventListener("click", () => this.promise(null));
    }

    // On an empty line, or after a blank; never while an input method composes.
    opened(event) {
      if (event.isComposing || event.keyCode === 229 || event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      const before = this.text.value.slice(0, this.text.selectionStart);
      if (before && !/\s$/.test(before)) return;
      event.preventDefault();
      this.open();
    }

    open() {
      if (!this.texts.length) return;
      this.menu.hidden = false;
      this.search.value = "";
      this.folder = "";
      this.at = 0;
      this.show();
      this.search.focus();
    }

    close(typed = "") {
      this.menu.hidden = true;
      this.text.focus();
      if (typed) this.put(typed);
    }

    get found() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (each) => words.every((word) => `${each.title} ${each.code} ${each.text}`.toLowerCase().includes(word));
      // A code that begins like what was typed comes first.
      const rank = (each) => (words.length && each.code.toLowerCase().startsWith(words[0]) ? 0 : 1);
      const here = this.texts.filter((each) => (!this.folder || each.folder === this.folder) && fits(each));
      return here.map((each, place) => [rank(each), place, each]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((each) => each[2]).slice(0, SHOWN);
    }

    show() {
      const found = this.found;
      this.at = Math.max(0, Math.min(this.at, found.length - 1));
      this.list.replaceChildren(...found.map((each, place) => this.line(each, place)));
      if (!found.length) this.list.textContent = this.menu.dataset.nothing;
      this.search.setAttribute("aria-activedescendant", found.length ? `ready-${this.at}` : "");
      this.list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
      this.folders.replaceChildren(...this.names.map((name) => this.tab(name)));
    }

    line(each, place) {
      const line = document.createElement("div");
      line.id = `ready-${place}`;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", String(place === this.at));
      const title = document.createElement("strong");
      title.textContent = each.title;
      const code = document.createElement("code");
      code.textContent = each.code ? `/${each.code}` : "";
      const glimpse = document.createElement("span");
      glimpse.className = "hint";
      glimpse.textContent = [each.does, each.text].filter(Boolean).join(" · ").slice(0, 90);
      line.append(title, code, glimpse);
      line.addEventListener("mousedown", (event) => { event.preventDefault(); this.at = place; this.take(); });
      return line;
    }

    tab(name) {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.className = "plain";
      tab.tabIndex = -1;
      tab.textContent = name || this.menu.dataset.all;
      tab.setAttribute("aria-pressed", String(name === this.folder));
      tab.addEventListener("click", () => { this.folder = name; this.at = 0; this.show(); this.search.focus(); });
      return tab;
    }

    pressed(event) {
      if (event.isComposing || event.keyCode === 229) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { this.at += step; this.show(); }
      else if (event.key === "Enter") this.take();
      else if (event.key === "Tab") {
        const next = this.names.indexOf(this.folder) + (event.shiftKey ? -1 : 1);
        this.folder = this.names[(next + this.names.length) % this.names.length];
        this.at = 0;
        this.show();
      } else if (event.key === "Escape") { event.stopPropagation(); this.close(); }
      else if (event.key === "Backspace" && !this.search.value) this.close();
      else if (event.key === "/" && !this.search.value) this.close("/");
      else return;
      event.preventDefault();
    }

    take() {
      const each = this.found[this.at];
      if (!each) return;
      this.close(each.text);
      if (each.does) this.promise(each);
      // The first gap is selected, to be filled in.
      const gap = /\{[a-z][a-z_]*\}/.exec(this.text.value);
      if (gap) this.text.setSelectionRange(gap.index, gap.index + gap[0].length);
    }

    // What is still to be filled in; the server refuses to send it.
    gaps() {
      const shown = this.form.querySelector("#gaps");
      const names = [...new Set(this.text.value.match(/\{[a-z][a-z_]*\}/g))];
      shown.textContent = names.length ? shown.dataset.said.replace("{names}", names.join(", ")) : "";
    }

    put(text) {
      this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }

    // What a macro does with the answer, until it is sent or dropped.
    promise(each) {
      this.form.querySelector('input[name="macro"]').value = each ? each.option.value : "";
      const shown = this.form.querySelector("#macro-with");
      shown.hidden = !each;
      shown.querySelector("span").textContent = each ? each.does : "";
    }
  }

  function init(root) {
    const form = root.querySelector("#reply-form, #new-mail");
    if (form?.querySelector("#ready-menu") && !begun.has(form)) { begun.add(form); new ReadyMenu(form); }
    const find = root.querySelector("[data-find-texts]");
    if (!find || begun.has(find)) return;
    begun.add(find);
    const filter = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      document.querySelectorAll("[data-find]").forEach((line) => {
        line.hidden = !words.every((word) => line.dataset.find.toLowerCase().includes(word));
      });
      document.querySelectorAll(".ready-folder").forEach((folder) => { folder.hidden = !folder.querySelector("[data-find]:not([hidden])"); });
    };
    find.addEventListener("input", filter);
    // What was typed before this script was there.
    filter();
  }

  document.addEventListener("desk:shown", (event) => init(event.target));
  init(document);
})();

// Keeps what an agent types: on the server shortly after the last key, in the tab until the server has it.
"use strict";

(() => {
  const SAVE_AFTER_MILLISECONDS = 600;
  // A page that was asked for before a saving may show what was there before it.
  const PAGE_MAY_BE_OLDER_MILLISECONDS = 60000;
  const begun = new WeakSet();
  let current = null;
  let isLeaving = false;

  class DraftKeeper {
    constructor(form) {
      this.form = form;
      this.text = form.elements.text;
      this.key = form.elements.key.value;
      this.place = `omniyard-draft:${form.dataset.agent}:${form.dataset.draft}`;
      // As the server wrote it into the page: what was typed before this script was there is not saved.
      this.saved = JSON.stringify(fields(form, (field) => field.defaultValue));
      this.timer = 0;
      this.busy = null;
      this.sending = false;
      form.querySelector("#keep-draft").hidden = true;
      form.addEventListener("input", () => this.typed());
      form.addEventListener("submit", (event) => this.submitted(event));
    }

    get state() { return this.form.querySelector("#draft-state"); }

    get shape() { return JSON.stringify(fields(this.form)); }

    get isUnsaved() { return this.shape !== this.saved; }

    async restore() {
      const kept = read(this.place);
      if (!kept) return;
      if (kept.sent) {
        const answer = await ask(`${this.form.dataset.draft}?form=${kept.sent}`).catch(() => null);
        if (!answer?.ok || answer.redirected) return;
        const isSent = (await answer.json()).is_sent;
        // Typed meanwhile: that is newer.
        if (read(this.place)?.sent !== kept.sent) return;
        if (isSent) { sessionStorage.removeItem(this.place); return; }
      }
      const isOver = kept.savedAt && (kept.savedAt + PAGE_MAY_BE_OLDER_MILLISECONDS < Date.now() || kept.revision <= Number(this.form.elements.revision.value));
      if (isOver || this.text.value.includes(kept.text)) { sessionStorage.removeItem(this.place); return; }
      // What the tab has and the page has not is newer.
      if (kept.savedAt) this.form.elements.revision.value = kept.revision;
      this.text.value = this.isUnsaved ? `${kept.text}\n\n${this.text.value}` : kept.text;
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }

    typed() {
      if (this.sending || !this.isUnsaved) return;
      write(this.place, { text: this.text.value });
      this.state.textContent = this.form.dataset.saving;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), SAVE_AFTER_MILLISECONDS);
    }

    async save() {
      clearTimeout(this.timer);
      if (this.busy) await this.busy;
      if (this.sending || !this.isUnsaved) return;
      this.busy = this.put(this.shape).finally(() => { this.busy = null; });
      await this.busy;
    }

    async put(shape) {
      const order = { ...JSON.parse(shape), revision: Number(this.form.elements.revision.value), form: this.key };
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const answer = await ask(this.form.dataset.draft, { method: "PUT", headers, body: JSON.stringify(order), keepalive: shape.length < 15000 }).catch(() => null);
      if (!answer || answer.status >= 500) return this.later();
      if (answer.status === 401) return this.signedOut();
      if (!answer.ok) return this.later();
      const news = await answer.json();
      this.form.elements.revision.value = news.revision;
      this.saved = shape;
      if (!this.isUnsaved) {
        if (isLeaving) write(this.place, { text: this.text.value, revision: news.revision, savedAt: Date.now() });
        else sessionStorage.removeItem(this.place);
        this.state.textContent = news.said;
      }
      if (news.other) this.offer(news.other);
    }

    later() {
      this.state.textContent = this.form.dataset.offline;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), 5000);
    }

    signedOut() {
      const link = document.createElement("a");
      link.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
      link.textContent = this.form.dataset.signIn;
      this.state.textContent = "";
      this.notice(`${this.form.dataset.signedOut} `, link);
    }

    offer(other) {
      const take = document.createElement("button");
      take.type = "button";
      take.className = "plain";
      take.textContent = this.form.dataset.useOther;
      take.addEventListener("click", () => {
        this.text.value = other;
        this.text.dispatchEvent(new Event("input", { bubbles: true }));
        this.notice();
        this.text.focus();
      });
      const quote = document.createElement("q");
      quote.textContent = other.length > 120 ? `${other.slice(0, 120)}…` : other;
      this.notice(`${this.form.dataset.other} `, quote, " ", take);
    }

    notice(...parts) { this.form.querySelector("#draft-notice").replaceChildren(...parts); }

    submitted(event) {
      // Another button of the form, such as a macro's, leaves the text as it is.
      if (event.submitter?.hasAttribute("formaction") && !event.submitter.matches("#keep-draft")) { this.save(); return; }
      this.sending = true;
      clearTimeout(this.timer);
      // Until the next page has seen that it was sent.
      if (this.text.value && !event.submitter?.matches("#keep-draft")) write(this.place, { text: this.text.value, sent: this.key });
      setTimeout(() => { this.sending = false; }, 5000);
    }

    // Another tab may have continued.
    async look() {
      if (this.isUnsaved || this.sending || document.activeElement === this.text) return;
      const answer = await ask(this.form.dataset.draft).catch(() => null);
      if (!answer?.ok || answer.redirected || this.isUnsaved) return;
      const news = await answer.json();
      if (String(news.revision) === this.form.elements.revision.value) return;
      this.form.elements.revision.value = news.revision;
      this.text.value = news.text;
      this.saved = this.shape;
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  // Savings and looks are no activity of their own for the audit trail; a saving is one of a person.
  function ask(address, more = {}) {
    return fetch(address, { headers: { Accept: "application/json", "X-Omniyard-Poll": "1" }, ...more });
  }

  function fields(form, value = (field) => field.value) {
    const one = (name) => (form.elements[name] ? value(form.elements[name]) : "");
    const list = (name) => one(name).split(/[\s,;，；]+/).filter(Boolean);
    return {
      kind: [...form.querySelectorAll("[name=mode]")].find((field) => field.checked)?.value || "reply",
      text: one("text"),
      recipient: one("recipient"),
      copies: list("copies"),
      blind_copies: list("blind_copies"),
    };
  }

  function read(place) {
    try { return JSON.parse(sessionStorage.getItem(place)); } catch { return null; }
  }

  function write(place, value) {
    try { sessionStorage.setItem(place, JSON.stringify(value)); } catch { /* The tab's storage is full or off. */ }
  }

  function init(root) {
    // A conversation that was swapped for another one keeps what was typed in it.
    if (current && !current.form.isConnected) { current.save(); current = null; }
    const form = root.querySelector("#reply-form[data-draft]");
    if (!form || begun.has(form)) return;
    begun.add(form);
    current = new DraftKeeper(form);
    current.restore();
    // What was typed before this script was there.
    current.typed();
  }

  let isMoving = false;
  // A link or a form of the desk: the draft is saved on the way, and the list shows it.
  document.addEventListener("click", (event) => { if (event.target.closest("a[href]")) moving(); });
  document.addEventListener("submit", () => moving());
  function moving() {
    isMoving = true;
    current?.save();
    setTimeout(() => { isMoving = false; }, 1000);
  }
  window.addEventListener("beforeunload", (event) => {
    if (!current || current.sending || !current.text.value.trim()) return;
    isLeaving = true;
    setTimeout(() => { isLeaving = false; }, 5000);
    if (current.isUnsaved) current.save();
    if (!isMoving) event.preventDefault();
  });
  window.addEventListener("online", () => current?.save());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) current?.save();
    else current?.look();
  });
  document.addEventListener("desk:shown", (event) => init(event.target));
  init(document);
})();

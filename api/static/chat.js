// The visitor's chat. Without it the page is a plain form; with it lines come by themselves and nothing is sent twice.
(() => {
  "use strict";
  const root = document.querySelector("[data-chat]");
  if (!root) return;
  const $ = (name) => root.querySelector(`[data-${name}]`);
  const chat = root.dataset.chat;
  const base = `/chat/${encodeURIComponent(chat)}`;
  const words = JSON.parse(root.dataset.words);
  const origins = root.dataset.origins.split(" ").filter(Boolean);
  const flow = $("flow"), list = $("lines"), form = $("say"), box = $("text"), status = $("status"), after = $("after");
  const t = (key, values = {}) => (words[key] || key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  // Storage may be denied: then the chat works until the page is left.
  const store = (() => {
    const memory = {};
    return {
      get: (key) => { try { return sessionStorage.getItem(`chat:${chat}:${key}`); } catch { return memory[key] ?? null; } },
      set: (key, value) => {
        memory[key] = value;
        try { value === null ? sessionStorage.removeItem(`chat:${chat}:${key}`) : sessionStorage.setItem(`chat:${chat}:${key}`, value); } catch { /* memory has it */ }
      },
    };
  })();

  let state = JSON.parse(root.dataset.state);
  let secret = store.get("secret") || "";
  let pending = JSON.parse(store.get("pending") || "[]");
  let last = Math.max(0, ...[...list.children].map((each) => Number(each.dataset.seq || 0)));
  let host = null, unread = 0, heard = 0, failures = 0, polls = 0, leading = false, ended = null, epoch = 0, queued = false, channel = null;

  // Requests. The secret is in a cookie that no script sees; only where the browser keeps none it is in memory.
  async function ask(path, { body, data, method, signal, accept, bearer = secret } = {}) {
    const headers = { Accept: accept || "application/json", "Accept-Language": root.dataset.language };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(base + path, {
      method: method || (body || data ? "POST" : "GET"), headers, signal, credentials: "same-origin", cache: "no-store",
      body: body ? JSON.stringify(body) : data,
    });
    const fresh = answer.headers.get("X-Chat-Secret");
    if (fresh) keep(fresh);
    return answer;
  }
  function keep(value) { secret = value; store.set("secret", value || null); }

  // How many sessions this page has forgotten: an answer to one of them is dropped.
  let life = 0;
  // Whether this browser keeps no cookie of ours, as in a frame of another site.
  let keepsNone = false;
  // Beginning, signing in and signing out follow each other: each decides whose chat this is.
  let turn = Promise.resolve();
  function inTurn(step) {
    const mine = turn.then(step);
    turn = mine.catch(() => {});
    return mine;
  }
  const begin = () => inTurn(async () => {
    if (state.known) return true;
    const said = { name: form.elements.name?.value || "", email: form.elements.email?.value || "", origin: host || "", website: form.elements.website.value };
    const inHeader = { ...said, in_header: true };
    let answer = await ask("/session", { body: keepsNone ? inHeader : said });
    if (answer.ok && !keepsNone && !(await (await ask("/state")).json()).known) {
      keepsNone = true;
      answer = await ask("/session", { body: inHeader });
    }
    if (!answer.ok) return refuse(answer);
    const begun = await answer.json();
    if (begun.secret) keep(begun.secret);
    show({ ...begun.state, known: true });
    hall?.postMessage("begun");
    return true;
  });

  function refuse(answer) {
    const key = { 401: "unauthenticated", 403: "forbidden", 413: "too-large", 422: "invalid", 429: "too-many-requests" }[answer.status] || "unavailable";
    complain(t(key));
    return false;
  }
  function complain(sentence) { const wrong = $("wrong"); wrong.textContent = sentence; wrong.hidden = !sentence; }

  // Lines.
  const make = (tag, name, text) => { const node = document.createElement(tag); if (name) node.className = name; if (text) node.textContent = text; return node; };
  const atEnd = () => flow.scrollHeight - flow.scrollTop - flow.clientHeight < 60;
  function clock(iso) {
    const node = make("time", "", new Date(iso).toLocaleTimeString(root.dataset.language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" }));
    node.dateTime = iso;
    return node;
  }
  function draw(line) {
    if (line.kind === "notice") return make("li", "sysline", t(line.text, { name: line.author }));
    const node = make("li", `bub ${line.kind}`), foot = make("small");
    const who = line.kind === "visitor" ? t("you") : line.author || t(line.kind === "machine" ? "automatic" : "desk");
    node.append(make("span", "who", who), make("p", "", line.text));
    (line.files || []).forEach((file, place) => node.append(file.kept ? kept(file, `/lines/${line.seq}/files/${place}`) : make("span", "file", file.name)));
    if (line.masked) foot.append(`${t("masked")} · `);
    if (line.by_mail) foot.append(`${t("mailed")} · `);
    foot.append(clock(line.at), make("span", "mark"));
    node.append(foot);
    return node;
  }
  // A file of an answer. Where the secret travels in a header, an address alone opens nothing: it is fetched.
  function kept(file, path) {
    const node = make("a", file.picture ? "picture" : "file", file.picture ? "" : file.name);
    Object.assign(node, { href: base + path, download: file.name });
    if (file.picture) {
      const shown = new Image();
      shown.alt = file.name;
      shown.addEventListener("load", () => { if (near) flow.scrollTop = flow.scrollHeight; });
      shown.addEventListener("error", () => { node.className = "file"; node.textContent = file.name; });
      const near = atEnd();
      if (secret) fetched(`${path}?show=1`).then((url) => { shown.src = url; }).catch(() => shown.dispatchEvent(new Event("error")));
      else shown.src = `${base}${path}?show=1`;
      node.append(shown);
    }
    node.addEventListener("click", async (event) => {
      if (!secret || node.href.startsWith("blob:")) return;
      event.preventDefault();
      try { node.href = await fetched(path); node.click(); } catch { complain(t("unavailable")); }
    });
    return node;
  }
  async function fetched(path) {
    const answer = await ask(path, { accept: "*/*" });
    if (!answer.ok) throw new Error(answer.status);
    return URL.createObjectURL(await answer.blob());
  }
  function place(line) {
    if (line.seq <= last) return;
    last = line.seq;
    const stays = atEnd(), mine = line.client_id && list.querySelector(`[data-id="${CSS.escape(line.client_id)}"]`);
    const node = draw(line);
    node.dataset.seq = line.seq;
    if (line.client_id) node.dataset.id = line.client_id;
    if (mine) mine.remove();
    if (line.client_id) settle(line.client_id);
    // Own lines that are still on their way stay below.
    list.insertBefore(node, list.querySelector("[data-pending]"));
    if (stays || line.kind === "visitor") flow.scrollTop = flow.scrollHeight;
    if (line.kind === "agent" && Date.now() - Date.parse(line.at) < 60000) ring();
    if (line.kind !== "visitor" && line.kind !== "notice" && (document.hidden || !opened)) { unread += 1; say({ type: "unread", count: unread }); }
    marks();
  }
  function takeIn(event, data) {
    if (event === "line") data.seq > last + 1 ? catchUp() : place(data);
    else if (event === "state") show(data);
    else if (event === "gone") recheck();
  }
  let catching = null;
  function catchUp() {
    catching ||= (async () => {
      try {
        for (let more = true; more;) {
          const mine = life, held = epoch, answer = await ask(`/lines?after=${last}`), page = answer.ok ? await answer.json() : null;
          if (mine !== life) return false;
          // A sign-in that has ended the asked session meanwhile looks again by itself.
          if (answer.status === 401) return signingIn || held !== epoch ? false : forget();
          if (!page) return false;
          // Another visitor has signed in on this computer since: what stands here is not theirs.
          more = isOther(page.state);
          if (more) { forget(false); state = page.state; }
          else { page.lines.forEach(place); more = page.lines.length === 200; }
          show(page.state);
        }
        return true;
      } catch { return false; } finally { catching = null; }
    })();
    return catching;
  }

  // What was written and is not acknowledged: kept over a reload, sent again until the desk says that it has it.
  const save = () => store.set("pending", pending.length ? JSON.stringify(pending.map(({ id, text, at }) => ({ id, text, at }))) : null);
  const settle = (id) => { pending = pending.filter((each) => each.id !== id); save(); };
  function sketch(item) {
    if (list.querySelector(`[data-id="${CSS.escape(item.id)}"]`)) return;
    const node = draw({ kind: "visitor", text: item.text, at: new Date(item.at).toISOString(), files: item.files?.map((file) => ({ name: file.name })) });
    node.dataset.id = item.id;
    node.dataset.pending = "";
    list.append(node);
    flow.scrollTop = flow.scrollHeight;
    sign(item, navigator.onLine ? "sending" : "waits");
  }
  function sign(item, key) {
    const node = list.querySelector(`[data-id="${CSS.escape(item.id)}"] .mark`);
    if (!node) return;
    node.textContent = ` · ${t(key)}`;
    if (key === "not_sent") {
      const again = make("button", "again", t("again"));
      again.type = "button";
      again.addEventListener("click", () => { item.at = Date.now(); flush(true); });
      node.append(" ", again);
    }
  }
  let flushing = false, tries = 0, timer = 0;
  async function flush(now = false) {
    if (flushing || (timer && !now)) return;
    clearTimeout(timer);
    timer = 0;
    flushing = true;
    try {
      while (pending.length) {
        const item = pending[0];
        if (!(await begin())) { give(item); break; }
        const mine = life, held = epoch, answer = await post(item), line = answer.ok ? await answer.json() : null;
        // A sign-in may have ended the session that this was sent to: it is sent to the one that goes on.
        if (answer.status === 401) await turn;
        // The visitor has signed out meanwhile: nothing of theirs comes back into the page.
        if (mine !== life || (answer.status === 401 && held !== epoch)) continue;
        if (line) { tries = 0; line.seq > last + 1 ? await catchUp() : place(line); settle(item.id); complain(""); }
        else if (answer.status >= 500 || answer.status === 408) throw new Error(answer.status);
        else if (answer.status === 401) {
          // The session is over, the words are not.
          const texts = pending.map(({ text }) => text);
          forget();
          box.value = texts.join("\n");
          grow();
          complain(t("unauthenticated"));
          break;
        }
        else { refuse(answer); give(item); }
      }
    } catch {
      tries += 1;
      const item = pending[0];
      if (item) sign(item, Date.now() - item.at > 60000 ? "not_sent" : "waits");
      const wait = Math.min(30000, 1000 * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
      timer = setTimeout(() => { timer = 0; flush(); }, wait);
    } finally { flushing = false; }
  }
  function post(item) {
    if (!item.files?.length) return ask("/lines", { body: { client_id: item.id, text: item.text } });
    const data = new FormData();
    data.append("client_id", item.id);
    data.append("text", item.text);
    item.files.forEach((file) => data.append("files", file, file.name));
    return ask("/send", { data });
  }
  // A refused text goes back into the field.
  function give(item) {
    settle(item.id);
    list.querySelector(`[data-id="${CSS.escape(item.id)}"]`)?.remove();
    box.value = [box.value, item.text].filter(Boolean).join("\n");
    grow();
    const field = $("files");
    if (!field || !item.files?.length) return;
    const back = new DataTransfer();
    for (const file of [...field.files, ...item.files]) back.items.add(file);
    field.files = back.files;
    chosen();
  }

  // The state comes whole, so a page that slept shows the truth at once.
  const isOther = (next) => Boolean(state.key && next.key && state.key !== next.key);
  function show(next) {
    state = next;
    if (state.known && !queued) connect();
    const closed = !state.open && state.phase === "new";
    const key = closed ? (state.opening ? "closed" : "closed_long") : state.phase === "open" && state.agent ? "agent" : state.phase;
    $("subtitle").textContent = t(`subtitle_${key}`, { at: state.opening, name: state.agent });
    $("end").hidden = !["waiting", "open"].includes(state.phase);
    $("closed").hidden = !closed;
    if (closed) $("closed").textContent = t(root.dataset.form ? "closed_lead" : "closed_words", { at: state.opening });
    $("danger").hidden = state.phase !== "new";
    $("place").hidden = !state.place;
    $("place-number").textContent = state.place ? t("place", { place: state.place }) : "";
    $("wait").textContent = state.minutes ? t("wait", { minutes: state.minutes }) : "";
    $("no-agents").hidden = state.agents || !state.open || !["new", "waiting"].includes(state.phase);
    $("busy").hidden = !(state.busy && state.open && state.phase === "new");
    $("busy").textContent = t("busy", { ahead: state.ahead });
    for (const label of form.querySelectorAll("[data-ask]")) {
      const name = label.dataset.ask, asked = root.dataset.prechat.split(" ").includes(name) || (closed && root.dataset.form && name === "email");
      label.hidden = label.querySelector("input").disabled = state.known || !asked;
    }
    const go = form.querySelector(".go");
    go.textContent = t(closed && root.dataset.form ? "send_form" : "send");
    box.disabled = state.blocked;
    speak();
    read();
    drawAfter();
    if (host) say({ type: "state", phase: state.phase, open: state.open });
    watch();
  }
  // A page without a chat has no stream: it asks when the hours change, and each half minute.
  let watching = 0;
  function watch() {
    clearTimeout(watching);
    if (!state.known) watching = setTimeout(look, Math.min(30000, 1000 * (state.changes_in ?? 30) + 500));
  }
  async function look() {
    const answer = document.hidden ? null : await ask("/state").catch(() => null), now = answer?.ok ? await answer.json() : null;
    if (state.known) return;
    if (now) show(now); else watch();
  }
  let connection = "";
  function speak() {
    const now = state.blocked ? t("blocked") : connection || (state.typing ? t("typing", { name: state.typing }) : state.warned ? t("warned") : "");
    if (status.textContent !== now) status.textContent = now;
  }
  function lost(is) { connection = is && state.known ? t("offline") : ""; speak(); }
  function read() {
    for (const old of list.querySelectorAll(".receipt")) old.remove();
    const mine = [...list.querySelectorAll(".visitor[data-seq]")].pop();
    if (mine) mine.querySelector("small").append(make("span", "receipt", ` · ${t(Number(mine.dataset.seq) <= state.read ? "read" : "sent")}`));
  }

  // After the chat, or while it waits: rating, transcript, an answer by mail.
  let drawn = "";
  function drawAfter() {
    const now = [state.phase, state.may_rate, state.rated, state.email, state.reference].join();
    if (now === drawn) return;
    drawn = now;
    after.replaceChildren();
    const mails = Boolean(root.dataset.mail), offersMail = mails && state.phase === "waiting" && !state.email;
    after.hidden = state.phase !== "ended" && !offersMail;
    if (state.phase === "ended") {
      if (state.reference) after.append(make("p", "muted", t("reference", { reference: state.reference })));
      if (state.may_rate) after.append(rating());
      else if (state.rated) after.append(make("p", "", t("rated")));
      if (mails) after.append(byMail("transcript", "/transcript", "transcript_done"));
    } else if (offersMail) {
      after.append(make("p", "", t("by_mail_lead")), byMail("by_mail", "/contact", "by_mail_done"));
    }
  }
  function byMail(label, path, done) {
    const node = make("form", "row"), button = make("button", "", t(label)), name = make("label", "grow"), field = make("input");
    Object.assign(field, { type: "email", required: true, maxLength: 254, autocomplete: "email", value: state.email });
    name.append(make("span", "label", t("your_email")), field);
    node.append(name, button);
    node.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await ask(path, { body: { email: field.value } }).catch(() => ({ ok: false, status: 503 }));
      if (answer.ok) node.replaceChildren(make("p", "", t(done, { email: field.value })));
      else refuse(answer);
    });
    return node;
  }
  function rating() {
    const node = make("form", "rating"), scores = make("fieldset"), word = make("input");
    scores.append(make("legend", "", t("rate_lead")));
    for (const score of [1, 2, 3, 4, 5]) {
      const label = make("label"), radio = make("input");
      Object.assign(radio, { type: "radio", name: "score", value: score, required: true });
      label.append(radio, ` ${t(`score_${score}`)}`);
      scores.append(label);
    }
    Object.assign(word, { maxLength: 500, placeholder: t("rate_word") });
    word.setAttribute("aria-label", t("rate_word"));
    node.append(scores, word, make("button", "", t("rate")));
    node.addEventListener("submit", async (event) => {
      event.preventDefault();
      const score = Number(new FormData(node).get("score"));
      const answer = await ask("/rating", { body: { score, word: word.value } }).catch(() => ({ ok: false, status: 503 }));
      if (answer.ok) node.replaceChildren(make("p", "", t("rated")));
      else refuse(answer);
    });
    return node;
  }

  // Marks: what this browser has, and what it showed; typing at most each two seconds, never what is typed.
  let marked = "", marking = 0;
  function marks() {
    clearTimeout(marking);
    marking = setTimeout(() => {
      const shown = !document.hidden && opened && atEnd(), now = `${last}/${shown}`;
      if (!state.known || !last || now === marked || !(leading || shown)) return;
      marked = now;
      if (shown && unread) { unread = 0; say({ type: "unread", count: 0 }); }
      ask("/marks", { body: { seen: last, read: shown ? last : 0 } }).catch(() => { marked = ""; });
    }, 300);
  }
  let typed = 0;
  function typing() {
    if (!state.known || Date.now() - typed < 2000) return;
    typed = Date.now();
    ask("/marks", { body: { typing: true } }).catch(() => {});
  }

  // One tab of the browser holds the stream and gives it to the others.
  function connect() {
    if (!state.known || queued) return;
    queued = true;
    const mine = ++epoch, name = `chat:${chat}:${state.key}`;
    // Tabs of one session share a stream; a tab where the browser keeps no cookie has a session of its own.
    channel?.close();
    channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    channel?.addEventListener("message", ({ data: [event, data] }) => { event === "look" ? catchUp() : takeIn(event, data); });
    if (navigator.locks) navigator.locks.request(name, () => hold(mine)).catch(() => hold(mine));
    else hold(mine);
    // A line that came between the last look and the opening of the channel went to other tabs only.
    setTimeout(() => { if (mine === epoch && !leading) catchUp(); }, 500);
  }
  async function hold(mine) {
    leading = true;
    while (mine === epoch && state.known) {
      const began = Date.now();
      const good = failures < 2 || Date.now() - polls > 300000 ? await listen() : await poll();
      if (good) failures = 0;
      // A desk that is away is no reason to poll; a stream that alone does not come through is one.
      else if (mine === epoch && (await catchUp()) && failures < 2 && ++failures === 2) polls = Date.now();
      if (mine !== epoch) break;
      // After a deploy all pages come back: not all at once.
      const rest = good ? 3000 * Math.random() : Math.max(0, 1000 * (0.5 + Math.random()) - (Date.now() - began));
      await new Promise((resolve) => { ended = resolve; setTimeout(resolve, rest); });
      ended = null;
    }
    leading = false;
  }
  let cut = null;
  async function listen() {
    cut = new AbortController();
    const mine = epoch;
    let any = false, watch = setTimeout(() => cut.abort(), 4000);
    const beat = () => { clearTimeout(watch); watch = setTimeout(() => cut.abort(), 35000); heard = Date.now(); };
    try {
      const answer = await ask(`/stream?after=${last}`, { signal: cut.signal, accept: "text/event-stream" });
      if (answer.status === 401) { if (mine === epoch) await recheck(); return true; }
      if (!answer.ok || !answer.body) return false;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "";;) {
        const { value, done } = await reader.read();
        if (done || mine !== epoch) return any;
        beat();
        rest += value;
        const records = rest.split("\n\n");
        rest = records.pop();
        for (const record of records) {
          const fields = Object.fromEntries(record.split("\n").map((line) => line.split(/: ?([^]*)/, 2)));
          if (!fields.event) continue;
          any = true;
          lost(false);
          const data = JSON.parse(fields.data);
          takeIn(fields.event, data);
          channel?.postMessage([fields.event, data]);
        }
      }
    } catch {
      lost(!any || !navigator.onLine);
      return any;
    } finally { clearTimeout(watch); }
  }
  async function poll() {
    for (let pause = 3000, until = polls + 300000; Date.now() < until && state.known;) {
      const before = last, good = await catchUp();
      lost(!good);
      if (good) channel?.postMessage(["look", null]);
      pause = last > before ? 3000 : Math.min(15000, pause * 1.3);
      await new Promise((resolve) => { ended = resolve; setTimeout(resolve, pause); });
    }
    return false;
  }
  function wake() {
    marks();
    if (!state.known) { look(); return; }
    catchUp().then((good) => lost(!good && !navigator.onLine));
    if (Date.now() - heard > 20000) { cut?.abort(); ended?.(); }
    flush(true);
  }
  // A tab that was open before another one began: the cookie is theirs together.
  const hall = "BroadcastChannel" in window ? new BroadcastChannel(`chat:${chat}`) : null;
  hall?.addEventListener("message", ({ data }) => {
    if (data === "used") isUsed = announced = false;
    else if (!state.known && !secret) catchUp();
  });

  // A sound only after a click on its button, and only in the tab that was used last.
  let isUsed = true, announced = false, audio = null, rang = 0;
  const bell = $("sound");
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { if (!announced) hall?.postMessage("used"); announced = isUsed = true; });
  bell.hidden = !("AudioContext" in window);
  bell.addEventListener("click", () => {
    const on = bell.getAttribute("aria-pressed") !== "true";
    bell.setAttribute("aria-pressed", String(on));
    if (on) ring();
  });
  function ring() {
    if (bell.getAttribute("aria-pressed") !== "true" || !isUsed || Date.now() - rang < 2000) return;
    rang = Date.now();
    try {
      audio ||= new AudioContext();
      const tone = audio.createOscillator(), volume = audio.createGain();
      tone.frequency.value = 660;
      volume.gain.setValueAtTime(0.1, audio.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.2);
      tone.connect(volume).connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + 0.2);
    } catch { /* no sound here */ }
  }

  // Signing out, and a session that is gone: nothing of it stays in the page, in storage or in memory.
  function forget(tells = true) {
    life += 1;
    if (tells) channel?.postMessage(["gone", {}]);
    leave();
    keep("");
    store.set("pending", null);
    pending = [];
    last = unread = 0;
    marked = drawn = "";
    list.replaceChildren();
    box.value = "";
    complain("");
    show({ ...state, known: false, key: "", phase: "new", place: null, agent: "", typing: "", email: "", name: "", reference: "", read: 0, last: 0, blocked: false, rated: null, may_rate: false, proved: false });
    return false;
  }

  // The secret opens nothing any more: another tab signed in to the same chat, or it is over here.
  async function recheck() {
    if (!state.known) return;
    const mine = epoch, held = secret;
    const answer = await ask("/state").catch(() => null), now = answer?.ok ? await answer.json() : {};
    // A sign-in gave this page another secret meanwhile.
    if (mine !== epoch || held !== secret) return;
    if (!now.known || now.key !== state.key) { forget(false); return; }
    leave();
    show(now);
  }
  function leave() {
    channel?.close();
    channel = null;
    queued = false;
    epoch += 1;
    cut?.abort();
    ended?.();
  }

  // The page around the frame: exact origins, both ways.
  let opened = !origins.length;
  function say(message) { if (host && window.parent !== window) window.parent.postMessage({ chat, ...message }, host); }
  window.addEventListener("message", async (event) => {
    if (event.source !== window.parent || !origins.includes(event.origin) || event.data?.chat !== chat) return;
    host = event.origin;
    const { type, token } = event.data;
    if (type === "hello") say({ type: "ready", known: state.known });
    else if (type === "opened") { opened = true; unread = 0; say({ type: "unread", count: 0 }); marks(); box.focus(); }
    else if (type === "closed") opened = false;
    else if (type === "sign-out") signOut();
    else if (type === "identity") inTurn(() => signIn(token)).catch(() => {});
  });
  // Forgotten at once: what is written while the desk answers is the next visitor's.
  function signOut() {
    const gone = secret;
    forget();
    inTurn(async () => {
      await ask("/sign-out", { body: {}, bearer: secret || gone });
      if (!state.known) return;
      // A chat that was just beginning ends too; what was written since is still to be sent.
      const words = box.value, written = pending;
      forget();
      box.value = words;
      pending = written;
      save();
      pending.forEach(sketch);
    }).catch(() => {});
  }
  let signingIn = false;
  async function signIn(token) {
    signingIn = true;
    try { await identify(token); } finally { signingIn = false; }
  }
  async function identify(token) {
    const answer = await ask("/identity", { body: { token, in_header: keepsNone || Boolean(secret) } }).catch(() => null);
    if (answer?.status === 401) { say({ type: "identity-refused" }); return; }
    if (!answer?.ok) return;
    const begun = await answer.json(), now = begun.state;
    // The anonymous chat of this page goes on as the account's, with what is not sent yet; another account's is emptied.
    if (isOther(now)) forget();
    else leave();
    if (begun.secret) keep(begun.secret);
    // The page is asked for another token, which opens a session in memory: one token may count once.
    if (!begun.secret && (await (await ask("/state")).json()).key !== now.key) { keepsNone = true; say({ type: "identity-refused" }); return; }
    show({ ...now, known: true });
    hall?.postMessage("begun");
    await catchUp();
  }

  // The form.
  function grow() { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`; }
  function chosen() {
    const files = [...($("files")?.files || [])], shown = $("chosen");
    shown.replaceChildren(...files.map((file) => make("li", "file", file.name)));
    shown.hidden = !files.length;
  }
  function submit(event) {
    event.preventDefault();
    if (!form.reportValidity()) return;
    const text = box.value.trim(), files = [...($("files")?.files || [])];
    if ((!text && !files.length) || state.blocked) return;
    const item = { id: identifier(), text, files, at: Date.now() };
    pending.push(item);
    save();
    sketch(item);
    box.value = "";
    if ($("files")) $("files").value = "";
    chosen();
    grow();
    complain("");
    flush(true);
  }
  const identifier = () => crypto.randomUUID?.() || [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
  form.addEventListener("submit", submit);
  form.noValidate = false;
  box.addEventListener("input", () => { grow(); typing(); });
  box.addEventListener("keydown", (event) => {
    // An input method uses Enter to choose characters.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) { event.preventDefault(); form.requestSubmit(); }
  });
  $("files")?.addEventListener("change", chosen);
  $("end").addEventListener("click", async () => { const answer = await ask("/end", { body: {} }).catch(() => null); if (answer?.ok) catchUp(); });
  const minimise = $("minimise");
  if (minimise) { minimise.hidden = false; minimise.addEventListener("click", () => say({ type: "close" })); }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && origins.length) say({ type: "close" }); });
  flow.addEventListener("scroll", marks, { passive: true });
  window.addEventListener("online", wake);
  window.addEventListener("offline", () => lost(true));
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });

  // The keyboard of a phone covers a page; the chat is as high as what is left.
  const view = window.visualViewport;
  const fit = () => { root.style.height = `${view.height}px`; if (atEnd()) flow.scrollTop = flow.scrollHeight; };
  if (view && !origins.length && matchMedia("(max-width: 600px)").matches) { view.addEventListener("resize", fit); fit(); }

  document.documentElement.classList.add("scripted");
  pending.forEach(sketch);
  show(state);
  flow.scrollTop = flow.scrollHeight;
  // History is there before the log is live: only new lines are read out.
  setTimeout(() => flow.setAttribute("aria-live", "polite"), 500);
  (async () => {
    if (!state.known && secret) await catchUp().then((good) => { if (good) state.known = true; });
    flush();
  })();
})();

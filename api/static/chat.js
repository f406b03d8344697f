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
  // The number of the newest line that stands in the page.
  let lastSeq = Math.max(0, ...[...list.children].map((each) => Number(each.dataset.seq || 0)));
  // The page around the frame: its origin once it has spoken, and how many answers it has not been shown.
  let host = null, unread = 0;
  // The stream. Each new connection has the next number: what belongs to an earlier one stops.
  let connectionNumber = 0, isConnected = false, holdsStream = false, heardAt = 0, streamFailures = 0, pollingSince = 0, endRest = null;
  // The channel to the other tabs of the same session.
  let sessionTabs = null;

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
    if (fresh) keepSecret(fresh);
    return answer;
  }
  function keepSecret(value) { secret = value; store.set("secret", value || null); }

  // How many sessions this page has forgotten: an answer to an earlier one is dropped.
  let forgotten = 0;
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
    if (!answer.ok) return showRefusal(answer);
    const begun = await answer.json();
    if (begun.secret) keepSecret(begun.secret);
    showState({ ...begun.state, known: true });
    allTabs?.postMessage("begun");
    return true;
  });

  function showRefusal(answer) {
    const key = { 401: "unauthenticated", 403: "forbidden", 413: "too-large", 422: "invalid", 429: "too-many-requests" }[answer.status] || "unavailable";
    showComplaint(t(key));
    return false;
  }
  function showComplaint(sentence) { const wrong = $("wrong"); wrong.textContent = sentence; wrong.hidden = !sentence; }

  // Lines.
  const make = (tag, name, text) => { const node = document.createElement(tag); if (name) node.className = name; if (text) node.textContent = text; return node; };
  const atEnd = () => flow.scrollHeight - flow.scrollTop - flow.clientHeight < 60;
  // The visitor's own clock, also for the lines that the server drew; the day where it is not today.
  function timeOf(iso) {
    const at = new Date(iso), day = at.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
    return at.toLocaleString(root.dataset.language === "zh" ? "zh-CN" : "en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
  }
  function clock(iso) {
    const node = make("time", "", timeOf(iso));
    node.dateTime = iso;
    return node;
  }
  function drawLine(line) {
    if (line.kind === "notice") return make("li", "sysline", t(line.text, { name: line.author }));
    const node = make("li", `bub ${line.kind}`), foot = make("small");
    const who = line.kind === "visitor" ? t("you") : line.author || t(line.kind === "machine" ? "automatic" : "desk");
    node.append(make("span", "who", who), make("p", "", line.text));
    (line.files || []).forEach((file, place) => node.append(file.kept ? fileLink(file, `/lines/${line.seq}/files/${place}`) : make("span", "file", file.name)));
    if (line.masked) foot.append(`${t("masked")} · `);
    if (line.by_mail) foot.append(`${t("mailed")} · `);
    foot.append(clock(line.at), make("span", "mark"));
    node.append(foot);
    return node;
  }
  // A file of an answer. Where the secret travels in a header, an address alone opens nothing: it is fetched.
  function fileLink(file, path) {
    const node = make("a", file.picture ? "picture" : "file", file.picture ? "" : file.name);
    Object.assign(node, { href: base + path, download: file.name });
    if (file.picture) {
      const shown = new Image();
      shown.alt = file.name;
      shown.addEventListener("load", () => { if (near) flow.scrollTop = flow.scrollHeight; });
      shown.addEventListener("error", () => { node.className = "file"; node.textContent = file.name; });
      const near = atEnd();
      if (secret) fetchedUrl(`${path}?show=1`).then((url) => { shown.src = url; }).catch(() => shown.dispatchEvent(new Event("error")));
      else shown.src = `${base}${path}?show=1`;
      node.append(shown);
    }
    node.addEventListener("click", async (event) => {
      if (!secret || node.href.startsWith("blob:")) return;
      event.preventDefault();
      try { node.href = await fetchedUrl(path); node.click(); } catch { showComplaint(t("unavailable")); }
    });
    return node;
  }
  async function fetchedUrl(path) {
    const answer = await ask(path, { accept: "*/*" });
    if (!answer.ok) throw new Error(answer.status);
    return URL.createObjectURL(await answer.blob());
  }
  function placeLine(line) {
    if (line.seq <= lastSeq) return;
    lastSeq = line.seq;
    const stays = atEnd(), mine = line.client_id && list.querySelector(`[data-id="${CSS.escape(line.client_id)}"]`);
    const node = drawLine(line);
    node.dataset.seq = line.seq;
    if (line.client_id) node.dataset.id = line.client_id;
    if (mine) mine.remove();
    if (line.client_id) removePending(line.client_id);
    // Own lines that are still on their way stay below.
    list.insertBefore(node, list.querySelector("[data-pending]"));
    if (stays || line.kind === "visitor") flow.scrollTop = flow.scrollHeight;
    if (line.kind === "agent" && Date.now() - Date.parse(line.at) < 60000) playSound();
    if (line.kind !== "visitor" && line.kind !== "notice" && (document.hidden || !opened)) { unread += 1; postToSite({ type: "unread", count: unread }); }
    sendMarks();
  }
  function takeEvent(event, data) {
    if (event === "line") data.seq > lastSeq + 1 ? catchUp() : placeLine(data);
    else if (event === "state") showState(data);
    else if (event === "gone") recheck();
  }
  let catching = null;
  function catchUp() {
    catching ||= (async () => {
      try {
        for (let more = true; more;) {
          const mine = forgotten, held = connectionNumber, answer = await ask(`/lines?after=${lastSeq}`), page = answer.ok ? await answer.json() : null;
          if (mine !== forgotten) return false;
          // A sign-in that has ended the asked session meanwhile looks again by itself.
          if (answer.status === 401) return isSigningIn || held !== connectionNumber ? false : forgetSession();
          if (!page) return false;
          // Another visitor has signed in on this computer since: what stands here is not theirs.
          more = isOther(page.state);
          if (more) { forgetSession(false); state = page.state; }
          else { page.lines.forEach(placeLine); more = page.lines.length === 200; }
          showState(page.state);
        }
        return true;
      } catch { return false; } finally { catching = null; }
    })();
    return catching;
  }

  // What was written and is not acknowledged: kept over a reload, sent again until the desk says that it has it.
  const savePending = () => store.set("pending", pending.length ? JSON.stringify(pending.map(({ id, text, at }) => ({ id, text, at }))) : null);
  const removePending = (id) => { pending = pending.filter((each) => each.id !== id); savePending(); };
  function drawPending(item) {
    if (list.querySelector(`[data-id="${CSS.escape(item.id)}"]`)) return;
    const node = drawLine({ kind: "visitor", text: item.text, at: new Date(item.at).toISOString(), files: item.files?.map((file) => ({ name: file.name })) });
    node.dataset.id = item.id;
    node.dataset.pending = "";
    list.append(node);
    flow.scrollTop = flow.scrollHeight;
    markPending(item, navigator.onLine ? "sending" : "waits");
  }
  function markPending(item, key) {
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
  let isFlushing = false, failedSends = 0, nextSend = 0;
  async function flush(now = false) {
    if (isFlushing || (nextSend && !now)) return;
    clearTimeout(nextSend);
    nextSend = 0;
    isFlushing = true;
    try {
      while (pending.length) {
        const item = pending[0];
        if (!(await begin())) { giveBack(item); break; }
        const mine = forgotten, held = connectionNumber, answer = await post(item), line = answer.ok ? await answer.json() : null;
        // A sign-in may have ended the session that this was sent to: it is sent to the one that goes on.
        if (answer.status === 401) await turn;
        // The visitor has signed out meanwhile: nothing of theirs comes back into the page.
        if (mine !== forgotten || (answer.status === 401 && held !== connectionNumber)) continue;
        if (line) { failedSends = 0; line.seq > lastSeq + 1 ? await catchUp() : placeLine(line); removePending(item.id); showComplaint(""); }
        else if (answer.status >= 500 || answer.status === 408) throw new Error(answer.status);
        else if (answer.status === 401) {
          // The session is over, the words are not.
          const texts = pending.map(({ text }) => text);
          forgetSession();
          box.value = texts.join("\n");
          fitBox();
          showComplaint(t("unauthenticated"));
          break;
        }
        else { showRefusal(answer); giveBack(item); }
      }
    } catch {
      failedSends += 1;
      const item = pending[0];
      if (item) markPending(item, Date.now() - item.at > 60000 ? "not_sent" : "waits");
      const wait = Math.min(30000, 1000 * 2 ** (failedSends - 1)) * (0.75 + Math.random() / 2);
      nextSend = setTimeout(() => { nextSend = 0; flush(); }, wait);
    } finally { isFlushing = false; }
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
  function giveBack(item) {
    removePending(item.id);
    list.querySelector(`[data-id="${CSS.escape(item.id)}"]`)?.remove();
    box.value = [box.value, item.text].filter(Boolean).join("\n");
    fitBox();
    const field = $("files");
    if (!field || !item.files?.length) return;
    const back = new DataTransfer();
    for (const file of [...field.files, ...item.files]) back.items.add(file);
    field.files = back.files;
    showChosen();
  }

  // The state comes whole, so a page that slept shows the truth at once.
  const isOther = (next) => Boolean(state.key && next.key && state.key !== next.key);
  function showState(next) {
    state = next;
    if (state.known && !isConnected) connect();
    const closed = !state.open && state.phase === "new";
    const isUnattended = ["waiting", "open"].includes(state.phase) && !(state.open && state.agents);
    const received = state.opening ? "received_closed" : "received";
    const key = closed ? (state.opening ? "closed" : "closed_long") : state.phase === "open" && state.agent ? "agent" : isUnattended ? received : state.phase;
    $("subtitle").textContent = t(`subtitle_${key}`, { at: state.opening, name: state.agent });
    $("end").hidden = !["waiting", "open"].includes(state.phase);
    $("closed").hidden = !closed;
    if (closed) $("closed").textContent = t(root.dataset.form ? "closed_lead" : "closed_words", { at: state.opening });
    if ($("danger")) $("danger").hidden = state.phase !== "new";
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
    // Before opening the first message has room, and says what is asked; afterwards it is a chat like any other.
    const label = box.parentElement.querySelector("span");
    label.className = closed ? "label" : "hidden";
    label.textContent = t(closed ? "what_happened" : "message");
    if (box.rows !== (closed ? 4 : 1)) { box.rows = closed ? 4 : 1; fitBox(); }
    showStatus();
    showReceipt();
    drawAfter();
    if (host) postToSite({ type: "state", phase: state.phase, open: state.open });
    lookLater();
  }
  // A page without a chat has no stream: it asks when the hours change, and each half minute.
  let watching = 0;
  function lookLater() {
    clearTimeout(watching);
    if (!state.known) watching = setTimeout(lookNow, Math.min(30000, 1000 * (state.changes_in ?? 30) + 500));
  }
  async function lookNow() {
    const answer = document.hidden ? null : await ask("/state").catch(() => null), now = answer?.ok ? await answer.json() : null;
    if (state.known) return;
    if (now) showState(now); else lookLater();
  }
  let connection = "";
  function showStatus() {
    const now = state.blocked ? t("blocked") : connection || (state.typing ? t("typing", { name: state.typing }) : state.warned ? t("warned") : "");
    if (status.textContent !== now) status.textContent = now;
  }
  function showConnection(is) { connection = is && state.known ? t("offline") : ""; showStatus(); }
  function showReceipt() {
    for (const old of list.querySelectorAll(".receipt")) old.remove();
    const mine = [...list.querySelectorAll(".visitor[data-seq]")].pop();
    if (mine) mine.querySelector("small").append(make("span", "receipt", ` · ${t(Number(mine.dataset.seq) <= state.read ? "read" : "sent")}`));
  }

  // After the chat, or while it waits: rating, transcript, an answer by mail.
  let drawnAfter = "";
  function drawAfter() {
    const now = [state.phase, state.may_rate, state.rated, state.email, state.reference].join();
    if (now === drawnAfter) return;
    drawnAfter = now;
    const stays = atEnd();
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
    // What opens below takes its room from the thread: the last line stays in sight.
    if (stays) flow.scrollTop = flow.scrollHeight;
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
      else showRefusal(answer);
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
      else showRefusal(answer);
    });
    return node;
  }

  // Marks: what this browser has, and what it showed; typing at most each two seconds, never what is typed.
  let sentMarks = "", nextMarks = 0;
  function sendMarks() {
    clearTimeout(nextMarks);
    nextMarks = setTimeout(() => {
      const shown = !document.hidden && opened && atEnd(), now = `${lastSeq}/${shown}`;
      if (!state.known || !lastSeq || now === sentMarks || !(holdsStream || shown)) return;
      sentMarks = now;
      if (shown && unread) { unread = 0; postToSite({ type: "unread", count: 0 }); }
      ask("/marks", { body: { seen: lastSeq, read: shown ? lastSeq : 0 } }).catch(() => { sentMarks = ""; });
    }, 300);
  }
  let typedAt = 0;
  function sendTyping() {
    if (!state.known || Date.now() - typedAt < 2000) return;
    typedAt = Date.now();
    ask("/marks", { body: { typing: true } }).catch(() => {});
  }

  // One tab of the browser holds the stream and gives it to the others.
  function connect() {
    if (!state.known || isConnected) return;
    isConnected = true;
    const mine = ++connectionNumber, name = `chat:${chat}:${state.key}`;
    // Tabs of one session share a stream; a tab where the browser keeps no cookie has a session of its own.
    sessionTabs?.close();
    sessionTabs = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    sessionTabs?.addEventListener("message", ({ data: [event, data] }) => { event === "look" ? catchUp() : takeEvent(event, data); });
    if (navigator.locks) navigator.locks.request(name, () => holdStream(mine)).catch(() => holdStream(mine));
    else holdStream(mine);
    // A line that came between the last look and the opening of the channel went to other tabs only.
    setTimeout(() => { if (mine === connectionNumber && !holdsStream) catchUp(); }, 500);
  }
  async function holdStream(mine) {
    holdsStream = true;
    while (mine === connectionNumber && state.known) {
      const began = Date.now();
      const good = streamFailures < 2 || Date.now() - pollingSince > 300000 ? await readStream() : await pollLines();
      if (good) streamFailures = 0;
      // A desk that is away is no reason to poll; a stream that alone does not come through is one.
      else if (mine === connectionNumber && (await catchUp()) && streamFailures < 2 && ++streamFailures === 2) pollingSince = Date.now();
      if (mine !== connectionNumber) break;
      // After a deploy all pages come back: not all at once.
      const rest = good ? 3000 * Math.random() : Math.max(0, 1000 * (0.5 + Math.random()) - (Date.now() - began));
      await new Promise((resolve) => { endRest = resolve; setTimeout(resolve, rest); });
      endRest = null;
    }
    holdsStream = false;
  }
  let cut = null;
  async function readStream() {
    cut = new AbortController();
    const mine = connectionNumber;
    let any = false, watch = setTimeout(() => cut.abort(), 4000);
    const beat = () => { clearTimeout(watch); watch = setTimeout(() => cut.abort(), 35000); heardAt = Date.now(); };
    try {
      const answer = await ask(`/stream?after=${lastSeq}`, { signal: cut.signal, accept: "text/event-stream" });
      if (answer.status === 401) { if (mine === connectionNumber) await recheck(); return true; }
      if (!answer.ok || !answer.body) return false;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "";;) {
        const { value, done } = await reader.read();
        if (done || mine !== connectionNumber) return any;
        beat();
        rest += value;
        const records = rest.split("\n\n");
        rest = records.pop();
        for (const record of records) {
          const fields = Object.fromEntries(record.split("\n").map((line) => line.split(/: ?([^]*)/, 2)));
          if (!fields.event) continue;
          any = true;
          showConnection(false);
          const data = JSON.parse(fields.data);
          takeEvent(fields.event, data);
          sessionTabs?.postMessage([fields.event, data]);
        }
      }
    } catch {
      showConnection(!any || !navigator.onLine);
      return any;
    } finally { clearTimeout(watch); }
  }
  async function pollLines() {
    for (let pause = 3000, until = pollingSince + 300000; Date.now() < until && state.known;) {
      const before = lastSeq, good = await catchUp();
      showConnection(!good);
      if (good) sessionTabs?.postMessage(["look", null]);
      pause = lastSeq > before ? 3000 : Math.min(15000, pause * 1.3);
      await new Promise((resolve) => { endRest = resolve; setTimeout(resolve, pause); });
    }
    return false;
  }
  function wake() {
    sendMarks();
    if (!state.known) { lookNow(); return; }
    catchUp().then((good) => showConnection(!good && !navigator.onLine));
    if (Date.now() - heardAt > 20000) { cut?.abort(); endRest?.(); }
    flush(true);
  }
  // A tab that was open before another one began: the cookie is theirs together.
  const allTabs = "BroadcastChannel" in window ? new BroadcastChannel(`chat:${chat}`) : null;
  allTabs?.addEventListener("message", ({ data }) => {
    if (data === "used") isUsed = announced = false;
    else if (!state.known && !secret) catchUp();
  });

  // A sound only after a click on its button, and only in the tab that was used last.
  let isUsed = true, announced = false, audio = null, soundedAt = 0;
  const bell = $("sound");
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { if (!announced) allTabs?.postMessage("used"); announced = isUsed = true; });
  bell.hidden = !("AudioContext" in window);
  bell.addEventListener("click", () => {
    const on = bell.getAttribute("aria-pressed") !== "true";
    bell.setAttribute("aria-pressed", String(on));
    if (on) playSound();
  });
  function playSound() {
    if (bell.getAttribute("aria-pressed") !== "true" || !isUsed || Date.now() - soundedAt < 2000) return;
    soundedAt = Date.now();
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
  function forgetSession(tells = true) {
    forgotten += 1;
    if (tells) sessionTabs?.postMessage(["gone", {}]);
    disconnect();
    keepSecret("");
    store.set("pending", null);
    pending = [];
    lastSeq = unread = 0;
    sentMarks = drawnAfter = "";
    list.replaceChildren();
    box.value = "";
    showComplaint("");
    showState({ ...state, known: false, key: "", phase: "new", place: null, agent: "", typing: "", email: "", name: "", reference: "", read: 0, last: 0, blocked: false, rated: null, may_rate: false, proved: false });
    return false;
  }

  // The secret opens nothing any more: another tab signed in to the same chat, or it is over here.
  async function recheck() {
    if (!state.known) return;
    const mine = connectionNumber, held = secret;
    const answer = await ask("/state").catch(() => null), now = answer?.ok ? await answer.json() : {};
    // A sign-in gave this page another secret meanwhile.
    if (mine !== connectionNumber || held !== secret) return;
    if (!now.known || now.key !== state.key) { forgetSession(false); return; }
    disconnect();
    showState(now);
  }
  function disconnect() {
    sessionTabs?.close();
    sessionTabs = null;
    isConnected = false;
    connectionNumber += 1;
    cut?.abort();
    endRest?.();
  }

  // The page around the frame: exact origins, both ways.
  let opened = !origins.length;
  function postToSite(message) { if (host && window.parent !== window) window.parent.postMessage({ chat, ...message }, host); }
  window.addEventListener("message", async (event) => {
    if (event.source !== window.parent || !origins.includes(event.origin) || event.data?.chat !== chat) return;
    host = event.origin;
    const { type, token } = event.data;
    if (type === "hello") postToSite({ type: "ready", known: state.known });
    else if (type === "opened") { opened = true; unread = 0; postToSite({ type: "unread", count: 0 }); sendMarks(); box.focus(); }
    else if (type === "closed") opened = false;
    else if (type === "sign-out") signOut();
    else if (type === "identity") inTurn(() => signIn(token)).catch(() => {});
  });
  // Forgotten at once: what is written while the desk answers is the next visitor's.
  function signOut() {
    const gone = secret;
    forgetSession();
    inTurn(async () => {
      await ask("/sign-out", { body: {}, bearer: secret || gone });
      if (!state.known) return;
      // A chat that was just beginning ends too; what was written since is still to be sent.
      const words = box.value, written = pending;
      forgetSession();
      box.value = words;
      pending = written;
      savePending();
      pending.forEach(drawPending);
    }).catch(() => {});
  }
  let isSigningIn = false;
  async function signIn(token) {
    isSigningIn = true;
    try { await identify(token); } finally { isSigningIn = false; }
  }
  async function identify(token) {
    const answer = await ask("/identity", { body: { token, in_header: keepsNone || Boolean(secret) } }).catch(() => null);
    if (answer?.status === 401) { postToSite({ type: "identity-refused" }); return; }
    if (!answer?.ok) return;
    const begun = await answer.json(), now = begun.state;
    // The anonymous chat of this page goes on as the account's, with what is not sent yet; another account's is emptied.
    if (isOther(now)) forgetSession();
    else disconnect();
    if (begun.secret) keepSecret(begun.secret);
    // The page is asked for another token, which opens a session in memory: one token may count once.
    if (!begun.secret && (await (await ask("/state")).json()).key !== now.key) { keepsNone = true; postToSite({ type: "identity-refused" }); return; }
    showState({ ...now, known: true });
    allTabs?.postMessage("begun");
    await catchUp();
  }

  // The form.
  function fitBox() { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`; }
  function showChosen() {
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
    savePending();
    drawPending(item);
    box.value = "";
    if ($("files")) $("files").value = "";
    showChosen();
    fitBox();
    showComplaint("");
    flush(true);
  }
  const identifier = () => crypto.randomUUID?.() || [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
  form.addEventListener("submit", submit);
  // The keys on a screen have no Shift Enter: there Enter adds a line, and the button sends.
  const hasTouchKeys = matchMedia("(hover: none) and (pointer: coarse)");
  form.noValidate = false;
  box.addEventListener("input", () => { fitBox(); sendTyping(); });
  box.addEventListener("keydown", (event) => {
    // An input method uses Enter to choose characters.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229 && !hasTouchKeys.matches) { event.preventDefault(); form.requestSubmit(); }
  });
  $("files")?.addEventListener("change", showChosen);
  $("end").addEventListener("click", async () => { const answer = await ask("/end", { body: {} }).catch(() => null); if (answer?.ok) catchUp(); });
  const minimise = $("minimise");
  if (minimise) { minimise.hidden = false; minimise.addEventListener("click", () => postToSite({ type: "close" })); }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && origins.length) postToSite({ type: "close" }); });
  flow.addEventListener("scroll", sendMarks, { passive: true });
  window.addEventListener("online", wake);
  window.addEventListener("offline", () => showConnection(true));
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });

  // The keyboard of a phone covers a page; the chat is as high as what is left.
  const view = window.visualViewport;
  const fit = () => { root.style.height = `${view.height}px`; if (atEnd()) flow.scrollTop = flow.scrollHeight; };
  if (view && !origins.length && matchMedia("(max-width: 600px)").matches) { view.addEventListener("resize", fit); fit(); }

  document.documentElement.classList.add("scripted");
  list.querySelectorAll("time").forEach((each) => { each.textContent = timeOf(each.dateTime); });
  pending.forEach(drawPending);
  showState(state);
  flow.scrollTop = flow.scrollHeight;
  // History is there before the log is live: only new lines are read out.
  setTimeout(() => flow.setAttribute("aria-live", "polite"), 500);
  (async () => {
    if (!state.known && secret) await catchUp().then((good) => { if (good) state.known = true; });
    flush();
  })();
})();

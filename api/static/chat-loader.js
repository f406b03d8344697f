// One script tag shows the chat's button; the frame is loaded with the first click. It keeps nothing and asks for nothing.
(function (proactive) {
  "use strict";
  const script = document.currentScript;
  if (!script || window.omniyardChat) return;
  const here = new URL(script.src);
  const chat = decodeURIComponent(here.pathname.split("/").slice(-2)[0]);
  const language = (script.dataset.language || document.documentElement.lang || navigator.language).slice(0, 2) === "zh" ? "zh" : "en";
  const words = language === "zh" ? ["在线客服", "打开在线客服", "条新消息", "关闭"] : ["Online chat", "Open the online chat", "new", "Close"];
  const style = `
:host{all:initial;position:fixed;right:20px;bottom:20px;z-index:2147483000}
button{font:600 16px/1 system-ui,sans-serif;border:0;cursor:pointer}
.fab{width:56px;height:56px;border-radius:28px;background:#0d6361;color:#fff;box-shadow:0 4px 16px #0004;position:relative}
button:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
svg{display:block;margin:auto}
.count{position:absolute;top:-4px;right:-4px;min-width:22px;padding:4px;border-radius:11px;background:#a32416;font-size:13px}
.tip{position:absolute;right:0;bottom:68px;width:240px;padding:12px;border-radius:12px;background:#fff;color:#16201f;font:15px/1.5 system-ui,sans-serif;box-shadow:0 4px 16px #0003}
.tip button{position:absolute;top:0;right:0;width:32px;height:32px;background:none;color:#55625f}
iframe{position:fixed;right:20px;bottom:88px;width:380px;height:min(620px,calc(100vh - 108px));border:0;border-radius:16px;box-shadow:0 8px 32px #0004;background:#fff}
[hidden]{display:none}
@media(max-width:600px){iframe{inset:0;width:100%;height:100%;border-radius:0}.open .fab{display:none}}`;
  const host = document.createElement("div"), shade = host.attachShadow({ mode: "open" }), box = document.createElement("div");
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    shade.adoptedStyleSheets = [sheet];
  } catch { /* an old browser shows a plain button */ }
  const button = document.createElement("button"), count = document.createElement("span");
  button.className = "fab";
  button.type = "button";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of [["width", 26], ["height", 26], ["viewBox", "0 0 24 24"], ["fill", "currentColor"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-7l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
  svg.append(path);
  count.className = "count";
  count.setAttribute("aria-hidden", "true");
  button.append(svg, count);
  box.append(button);
  shade.append(box);
  let frame = null, isOpen = false, ready = false, ask = null, refused = false;
  const say = (type, more) => frame && ready && frame.contentWindow.postMessage({ chat, type, ...more }, here.origin);
  const name = (unread) => {
    button.setAttribute("aria-label", unread ? `${words[1]}, ${unread} ${words[2]}` : words[1]);
    button.setAttribute("aria-expanded", String(isOpen));
    count.hidden = !unread;
    count.textContent = unread || "";
  };
  const identify = async () => { const token = ask && (await ask()); if (token) say("identity", { token }); };
  function open() {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = words[0];
      frame.allow = "";
      frame.src = `${here.origin}/chat/${encodeURIComponent(chat)}/frame?language=${language}`;
      // The frame says nothing before it knows the page's origin.
      frame.addEventListener("load", () => { ready = true; say("hello"); });
      box.append(frame);
    }
    tip?.remove();
    isOpen = true;
    frame.hidden = false;
    box.className = "open";
    name(0);
    say("opened");
  }
  function close() {
    isOpen = false;
    if (frame) frame.hidden = true;
    box.className = "";
    name(0);
    say("closed");
    button.focus();
  }
  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== here.origin || event.data?.chat !== chat) return;
    const { type, count: unread } = event.data;
    if (type === "ready") { if (isOpen) say("opened"); identify(); }
    else if (type === "close") close();
    else if (type === "unread" && !isOpen) name(unread);
    else if (type === "identity-refused" && !refused) { refused = true; identify(); }
  });
  button.addEventListener("click", () => (isOpen ? close() : open()));
  let tip = null;
  if (proactive.say?.[language]) setTimeout(() => {
    if (frame) return;
    const away = document.createElement("button");
    tip = document.createElement("div");
    tip.className = "tip";
    tip.textContent = proactive.say[language];
    away.type = "button";
    away.textContent = "×";
    away.setAttribute("aria-label", words[3]);
    away.addEventListener("click", () => tip.remove());
    tip.append(away);
    box.append(tip);
  }, proactive.after * 1000);
  // The operator's page may open and close the chat, and say who its visitor is: a function that returns a fresh token.
  window.omniyardChat = {
    open, close,
    signIn: (fetchToken) => { ask = fetchToken; refused = false; identify(); },
    signOut: () => { ask = null; say("sign-out"); },
  };
  name(0);
  const add = () => document.body.append(host);
  document.body ? add() : document.addEventListener("DOMContentLoaded", add);
})

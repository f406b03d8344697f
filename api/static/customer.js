// Suggestions while a visitor types, and updates of a case's page. The pages work completely without this file.
"use strict";

const SUGGEST_MILLISECONDS = 900;
const CASE_MILLISECONDS = 10000;
// A case has its number a moment after the message: asked for some times, then as seldom as all else.
const NUMBER_MILLISECONDS = 1500;
const NUMBER_TIMES = 10;

const contact = document.querySelector("[data-contact]");
if (contact) {
  const place = document.querySelector("[data-suggestions]");
  let waiting = 0;
  let asked = "";
  const suggest = async () => {
    const topic = contact.elements.topic.selectedOptions[0];
    const written = contact.elements.message.value.trim();
    const text = `${topic && topic.value ? topic.text : ""} ${written}`.trim().slice(0, 600);
    if (!text) {
      asked = "";
      place.replaceChildren();
    }
    if (text.length < 4 || text === asked) return;
    asked = text;
    const answer = await fetch("/help/suggest", { method: "POST", body: new URLSearchParams({ text }) });
    if (!answer.ok) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (text !== asked) return;
    // That no answer fits is said only to what was written.
    place.replaceChildren(...(written || part.querySelector(".answer") ? part.body.childNodes : []));
  };
  contact.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => suggest().catch(() => {}), SUGGEST_MILLISECONDS);
  });
}

const shown = document.querySelector("[data-case]");
if (shown) {
  const refresh = async () => {
    if (document.hidden) return;
    // The page after the form was sent names the case's page.
    const answer = await fetch(shown.dataset.case || location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-case]");
    if (!fresh || fresh.textContent === shown.textContent) return;
    // A case that was closed needs the rating form, which the loaded page does not have.
    if (page.querySelector("[data-rating]") && !document.querySelector("[data-rating]")) location.reload();
    else shown.replaceChildren(...fresh.childNodes);
  };
  // New words are added below; what is being written stays.
  const words = document.querySelector("[data-words]");
  if (words) {
    const renew = async () => {
      if (document.hidden) return;
      const answer = await fetch(location.pathname);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-words]");
      if (!fresh || fresh.textContent === words.textContent) return;
      words.replaceChildren(...fresh.childNodes);
      const sent = document.getElementById("is-sent");
      if (sent) sent.remove();
    };
    setInterval(() => renew().catch(() => {}), CASE_MILLISECONDS);
  }
  setInterval(() => refresh().catch(() => {}), CASE_MILLISECONDS);
  let times = 0;
  const number = setInterval(() => {
    if (shown.querySelector("[data-number]") || (times += 1) > NUMBER_TIMES) clearInterval(number);
    else refresh().catch(() => {});
  }, NUMBER_MILLISECONDS);
}

"""The help centre: answers by topic, each with a page of its own, search, visitors' verdicts, and a map for crawlers.

No script is needed. A question is sent in a form's body, so no URL and no log holds it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from xml.sax.saxutils import escape

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.customer.visitor_pages import PostedFields, fitting_answers, visitor_address, visitor_page
from api.desk import Desk, DeskPart
from api.http.authentication import refuse_foreign_form
from api.pages.render import language_of
from api.paths import HELP
from api.rest.queries import category_title
from api.services.help_pages import categories
from api.services.refusals import Refused
from router.errors import TransientError
from router.masking.mask import mask
from store.desk.phrasings import judge_help, note_gap

_LONGEST_QUESTION: Final = 500
Topic = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,64}$")]
Name = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,64}$")]

routes: Final = APIRouter(include_in_schema=False)


@routes.get(HELP)
def show_help(request: Request, desk: DeskPart) -> HTMLResponse:
    """Show all answers by topic."""
    return _help(request, desk, question="")


@routes.post(HELP, dependencies=[Depends(refuse_foreign_form)])
def search_help(request: Request, desk: DeskPart, said: PostedFields) -> HTMLResponse:
    """Show all answers, first those that fit a question; above the pace of its address the page says so."""
    question = said.get("question", "")[:_LONGEST_QUESTION]
    if question.strip() and not desk.visitors.asked.takes(visitor_address(request), now=desk.now()):
        desk.refusals.note(Refused.QUESTIONS)
        page = visitor_page(request, "help", _page(request, desk) | {"question": question, "wrong": "wrong_ask_pace"})
        page.status_code = 429
        page.headers["Retry-After"] = "60"
        return page
    return _help(request, desk, question=question)


@routes.post(f"{HELP}/suggest", dependencies=[Depends(refuse_foreign_form)])
def suggest(request: Request, desk: DeskPart, said: PostedFields) -> HTMLResponse:
    """Return a part of a page: the answers that fit the text that a visitor is typing."""
    fitting, _ = fitting_answers(request, desk, said.get("text", ""))
    return visitor_page(request, "suggestions", {"fitting": fitting})


@routes.get(f"{HELP}/sitemap.xml")
def sitemap(desk: DeskPart) -> Response:
    """Return the addresses of all answers in both languages, for search engines; none without a public address."""
    base = desk.settings.omniyard.public_url or ""
    paths = [answer.path for answer in desk.visitors.answers.of("en", today=desk.now().date())] if base else []
    urls = [f"{base}{path}?language={language}" for path in paths for language in ("en", "zh")]
    lines = "".join(f"<url><loc>{escape(url)}</loc></url>" for url in urls)
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_SITEMAP}">{lines}</urlset>\n'
    return Response(body, media_type="application/xml")


_SITEMAP: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


@routes.get(f"{HELP}/{{topic}}")
def show_topic(request: Request, desk: DeskPart, topic: Topic) -> HTMLResponse:
    """Show the answers of one topic."""
    language = language_of(request)
    answers = desk.visitors.answers.of(language, category=topic, today=desk.now().date())
    title = category_title(desk, topic, language=language)
    context = {"title": title, "answers": answers, "form_there": bool(desk.visitors.contact_form)}
    return visitor_page(request, "help_topic", context, status=200 if answers else 404, is_public=True)


@routes.get(f"{HELP}/{{topic}}/{{name}}")
def show_answer(request: Request, desk: DeskPart, topic: Topic, name: Name, *, judged: str = "") -> HTMLResponse:
    """Show one answer; a link to one that was withdrawn says so."""
    language = language_of(request)
    answer = desk.visitors.answers.find(topic, name, language=language, today=desk.now().date())
    context: dict[str, Any] = {
        "answer": answer,
        "topic": topic,
        "title": category_title(desk, topic, language=language),
        "judged": judged in {"yes", "no"},
        "form_there": bool(desk.visitors.contact_form),
    }
    return visitor_page(request, "help_answer", context, is_public=answer is not None)


@routes.post(f"{HELP}/{{topic}}/{{name}}", dependencies=[Depends(refuse_foreign_form)])
def judge(request: Request, desk: DeskPart, topic: Topic, name: Name, *, said: PostedFields) -> Response:
    """Count a visitor's verdict on an answer."""
    helpful = said.get("helpful", "")
    answer = desk.visitors.answers.find(topic, name, language=language_of(request), today=desk.now().date())
    if answer and helpful in {"yes", "no"}:
        with desk.database.write() as connection:
            judge_help(connection, answer=answer.id, language=answer.language, helpful=helpful == "yes", now=desk.now())
    return RedirectResponse(f"{HELP}/{topic}/{name}?judged={'yes' if helpful == 'yes' else 'no'}", status_code=303)


def _help(request: Request, desk: Desk, *, question: str) -> HTMLResponse:
    language = language_of(request)
    fitting, was_asked = fitting_answers(request, desk, question)
    if was_asked and not fitting:
        _note_gap(desk, question, language=language)
    context = _page(request, desk) | {"fitting": fitting, "question": question}
    return visitor_page(request, "help", context, is_public=not question)


def _page(request: Request, desk: Desk) -> dict[str, Any]:
    """Return what the page shows with or without a question."""
    language = language_of(request)
    by_topic = categories(desk.visitors.answers.of(language, today=desk.now().date()))
    groups = [(name, category_title(desk, name, language=language), answers) for name, answers in by_topic.items()]
    return {"groups": groups, "form_there": bool(desk.visitors.contact_form), "wrong": ""}


def _note_gap(desk: Desk, question: str, *, language: str) -> None:
    try:
        with desk.database.write() as connection:
            note_gap(connection, text=mask(question).text, place="help", language=language, now=desk.now())
    except TransientError:
        # The page is shown while the database refuses writes.
        return

"""What the customers' pages share: rendering in the visitor's language, small forms, and answers that fit a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from api.customer.phrases import CustomerWords
from api.desk import Desk
from api.http.problems import ProblemError
from api.pages.render import language_of, render
from api.services.help_pages import FaqAnswer
from api.services.refusals import Refused
from router.client_address import client_address


async def _posted_fields(request: Request) -> dict[str, str]:
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=4, keep_blank_values=True)
    except ValueError as error:
        raise ProblemError("bad-request", "the form cannot be parsed") from error
    return {name: values[0] for name, values in fields.items()}


PostedFields = Annotated[dict[str, str], Depends(_posted_fields)]


def visitor_page(
    request: Request, name: str, context: Mapping[str, Any], *, status: int = 200, is_public: bool = False
) -> HTMLResponse:
    """Return a page for customers. is_public: search engines may list it."""
    words = {"t": CustomerWords(language_of(request)), "is_public": is_public}
    page = render(request, f"customer/{name}.html.jinja", {**words, **context})
    page.status_code = status
    if not is_public:
        page.headers["X-Robots-Tag"] = "noindex"
    return page


def visitor_address(request: Request) -> str:
    """Return the visitor's network address, shortened as the limits count it."""
    return client_address(request.client.host if request.client else "")


def fitting_answers(request: Request, desk: Desk, text: str) -> tuple[list[FaqAnswer], bool]:
    """Return the answers that fit a text, and whether they were looked up: too many questions are not."""
    if not text.strip() or not desk.visitors.looks.takes(visitor_address(request), now=desk.now()):
        return [], False
    if not desk.visitors.questions.takes("", now=desk.now()):
        # The page has all answers anyway.
        desk.refusals.note(Refused.QUESTIONS)
        return [], False
    return desk.visitors.answers.suggest(text, language=language_of(request)), True

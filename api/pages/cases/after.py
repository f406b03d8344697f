"""What a page shows after an action: the notice with its undo, or the refusal in the reader's words."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api.desk import Desk
from api.http.forms import ours
from api.http.permissions import Actor
from api.http.problems import PROBLEMS, ProblemError, slug_of
from api.pages.render import moments_of
from api.pages.toast import Flash, set_flash
from api.rest.changes import PlannedError
from api.text.terms.sentences import in_chinese
from router.errors import OmniyardError, TransientError

_SEE_OTHER: Final = 303
# What an action may raise, besides what makes the whole page fail.
Refused: Final = (ProblemError, OmniyardError, ValidationError, ValueError)


def go_on(desk: Desk, actor: Actor, address: str, *, said: str, **more: object) -> Response:
    """Return the way to `address`, which shows the notice once. more: fields of `Flash`."""
    flash = Flash.model_validate({"agent": actor.id, "at": desk.now(), "said": said, "key": "", **more})
    answer = RedirectResponse(ours(address), status_code=_SEE_OTHER)
    set_flash(answer, desk, flash)
    return answer


def words_of_refusal(request: Request, desk: Desk, error: Exception) -> str:
    """Return a refusal in the reader's language, where its words are known; else as the API says it."""
    if isinstance(error, TransientError):
        # The database is unavailable: the whole page is refused.
        raise error
    words = moments_of(request, desk).words
    if isinstance(error, PlannedError):
        return words("refused_planned")
    if not isinstance(error, ProblemError | OmniyardError):
        return words("refused_invalid")
    slug = slug_of(error)
    if words.language == "en" or slug not in {"conflict", "stale", "not-found", "forbidden", "invalid"}:
        return str(error)
    return in_chinese(str(error)) or words(f"why_not_{slug.replace('-', '_')}")


def status_of(error: Exception | None) -> int:
    """Return the HTTP status of a page that shows this refusal; 200 without one."""
    if error is None:
        return 200
    return PROBLEMS[slug_of(error)][0] if isinstance(error, ProblemError | OmniyardError) else 422

"""What an operator lets the machine do by itself in a category."""

from __future__ import annotations

from router.answers.caution import Allowed
from router.settings import Settings


def self_service_of(settings: Settings, category: str | None) -> Allowed:
    """Return the most that the machine may do with a question of a category."""
    known = settings.categories.get(category or "")
    if known is None:
        return Allowed.ANSWER
    if known.emergency:
        return Allowed.AGENTS
    return {"answer": Allowed.ANSWER, "offer": Allowed.OFFER, "never": Allowed.AGENTS}[known.self_service]

"""The titles of what the operator's files name: categories, teams, routes, channels, calendars; and of danger words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from api.text.phrases import Words, phrase_in
from api.text.terms.danger_names import GROUP_NAMES, PAIR_NAMES, SOFTENER_NAMES
from router.hours.from_settings import ALWAYS
from router.remarks.remark_kind import BULK_MAIL, NO_QUESTION_YET, NOTHING_TO_DO, WANTS_PERSON
from router.settings import Settings
from router.settings.values import title_in


class _Titled(Protocol):
    @property
    def title(self) -> Mapping[str, str]: ...


def _routes(settings: Settings) -> Mapping[str, _Titled]:
    return {route.name: route for route in settings.routes}


_TABLES: Final[Mapping[str, Callable[[Settings], Mapping[str, _Titled]]]] = {
    "category": lambda settings: settings.categories,
    "team": lambda settings: settings.teams,
    "route": _routes,
    "channel": lambda settings: settings.channels,
    "calendar": lambda settings: settings.calendars,
    "sla": lambda settings: settings.sla,
    "reply": lambda settings: settings.replies,
    "label": lambda settings: settings.labels,
    "fact": lambda settings: settings.facts,
}
_WORDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "pair": PAIR_NAMES,
    "group": {**SOFTENER_NAMES, **GROUP_NAMES},
}

# The labels that the desk itself gives. Key: English, Chinese; a title of the file goes first.
_OWN_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    WANTS_PERSON: ("wants a person", "要求人工"),
    NO_QUESTION_YET: ("no question yet", "尚未说明问题"),
    NOTHING_TO_DO: ("nothing to do", "无需处理"),
    BULK_MAIL: ("bulk mail", "群发邮件"),
}

# What a trace names as its model where none was trained.
_RULES: Final = "rules"


@dataclass(frozen=True, slots=True)
class ConfigNames:
    """Says how a name of the files is shown to a reader."""

    settings: Settings
    words: Words

    def __call__(self, kind: str, name: str | None) -> str:
        """Return the title; the name as it is if there is none, or the file does not have it any more.

        kind: of `_TABLES` or `_WORDS`, or "model", whose version says nothing to an agent.
        """
        named = name or ""
        if kind == "model":
            return self.words("model_rules" if named == _RULES else "model_trained")
        if kind in _WORDS:
            return phrase_in(self.words.language, _WORDS[kind].get(named, (named, named)))
        found = _TABLES[kind](self.settings).get(named)
        if found is not None:
            return title_in(found.title, self.words.language, name=named)
        if kind == "label" and named in _OWN_LABELS:
            return phrase_in(self.words.language, _OWN_LABELS[named])
        if kind == "fact":
            return self.words(f"fact_{named}")
        return self.words("always_open") if (kind, named) == ("calendar", ALWAYS) else named

    def matter(self, category: str | None, labels: Iterable[str], *, none_of_ours: bool = False) -> str:
        """Return what a case is about: its category; without one, what an agent or the desk's own label says of it."""
        if category:
            return self("category", category)
        if none_of_ours:
            return self.words("none_of_ours")
        own = next((label for label in labels if label in _OWN_LABELS), None)
        return self("label", own) if own else self.words("unrecognised")

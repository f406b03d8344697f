"""Paint the rows of the list: each once, as long as nothing changes that stands in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from api.pages.people.faces import handle_kind
from api.rest.queries import Listed
from api.text.terms.config_names import ConfigNames
from api.text.times import DueClock, Moments
from router.settings import Settings
from store.conversations.read import ConversationRecord, LastMessage

# About 3 kB each: what the agents of a desk look at again and again.
_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """All that a row shows. moments: stands in `clock`, `last` and `language` as far as the row shows it."""

    row: ConversationRecord
    handles: tuple[str, ...]
    glimpse: LastMessage | None
    unread: bool
    drafted: bool
    language: str
    clock: DueClock | None
    last: str
    moments: Moments = field(compare=False)


class RowPainter:
    """Returns the HTML of rows; may be used by several threads."""

    def __init__(self, settings: Settings, templates: Environment) -> None:
        self._settings, self._template = settings, templates.get_template("row.html.jinja")
        self._painted = lru_cache(maxsize=_ROWS)(self._paint)

    def __call__(self, listed: Listed, *, moments: Moments, unread: bool = False, drafted: bool = False) -> Markup:
        """Return the row as it looks at this moment."""
        row, handles, glimpse = listed
        return self._painted(
            _Shown(
                row=row,
                handles=tuple(handles),
                glimpse=glimpse,
                unread=unread,
                drafted=drafted,
                language=moments.words.language,
                clock=moments.due(row.due_at),
                last=moments.short(row.last_message_at),
                moments=moments,
            )
        )

    def _paint(self, shown: _Shown) -> Markup:
        names = ConfigNames(self._settings, shown.moments.words)
        html = self._template.render(
            row=shown.row,
            handles=shown.handles,
            glimpse=shown.glimpse,
            unread={shown.row.id} if shown.unread else (),
            drafted={shown.row.id} if shown.drafted else (),
            t=shown.moments.words,
            settings=self._settings,
            moments=shown.moments,
            matter_of=names.matter,
            team_of=partial(names, "team"),
            channel_of=partial(names, "channel"),
            handle_kind=partial(handle_kind, self._settings),
        )
        # The template escapes what it shows.
        return Markup(html)  # noqa: S704

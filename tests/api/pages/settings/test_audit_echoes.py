"""The audit page leaves out a request that its deed tells, and never another one: a supervisor trusts the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.pages.settings.audit_echoes import without_echoes
from api.rest.audit import AuditEntryShown
from store.db.ids import new_id
from tests.inbox_builder import NOON

CASE = "K7QF2MXD4"
ASKED = "request.changed"
STATUS = "conversation.status_changed"


def row(
    number: int, action: str, *, at: float, actor: str = "Ann", about: str = CASE, **detail: Any
) -> AuditEntryShown:
    return AuditEntryShown(
        number=number,
        id=new_id(),
        at=NOON + timedelta(seconds=at),
        actor=actor,
        actor_id=None,
        action=action,
        object=about,
        detail=detail,
        hash=bytes(32),
    )


def shown(*rows: AuditEntryShown) -> list[int]:
    return [each.number for each in without_echoes(rows, {})]


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        # The request of a deed, recorded a moment later, or by a clock that is behind.
        ([row(1, "message.queued", at=0), row(2, ASKED, at=0.1)], [1]),
        ([row(1, "message.queued", at=0), row(2, ASKED, at=-0.4)], [1]),
        # One request with two deeds, at two moments.
        ([row(1, "message.queued", at=0), row(2, STATUS, at=0.3), row(3, ASKED, at=0.5)], [1, 2]),
        # Two deeds in a row, each with its request.
        (
            [row(1, "message.noted", at=0), row(2, ASKED, at=0.1), row(3, STATUS, at=2), row(4, ASKED, at=2.1)],
            [1, 3],
        ),
    ],
)  # fmt: skip
def test_a_request_that_its_deed_tells_is_left_out(rows: list[AuditEntryShown], left: list[int]) -> None:
    assert shown(*rows) == left


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        # A second request about the same case within five seconds, without a deed of its own.
        ([row(1, "message.noted", at=0), row(2, ASKED, at=0.1), row(3, ASKED, at=3)], [1, 3]),
        # The same where the first has two deeds.
        (
            [
                row(1, STATUS, at=0),
                row(2, "chat.end", at=0.2),
                row(3, ASKED, at=0.3),
                row(4, ASKED, at=4),
            ],
            [1, 2, 4],
        ),
        # Two at the same time: either may be the deed's.
        ([row(1, "message.noted", at=0), row(2, ASKED, at=0.1), row(3, ASKED, at=0.2)], [1, 2, 3]),
        # A look at an original, and a session, are no deeds that a change could be.
        ([row(1, "original.read", at=0), row(2, ASKED, at=0.1)], [1, 2]),
        ([row(1, "session.began", at=0, about="Ann"), row(2, ASKED, at=0.1, about="Ann")], [1, 2]),
        # A request that names nothing takes the deed of no other.
        (
            [
                row(1, "message.noted", at=0),
                row(2, ASKED, at=0.1),
                row(3, ASKED, at=3, about="", route="/undo"),
            ],
            [1, 3],
        ),
        # What was refused, by others, about others, or later.
        ([row(1, "message.noted", at=0), row(2, "request.refused", at=0.1)], [1, 2]),
        ([row(1, "message.noted", at=0), row(2, ASKED, at=0.1, actor="Bo")], [1, 2]),
        ([row(1, "message.noted", at=0), row(2, ASKED, at=0.1, about="ABCDEFGH2")], [1, 2]),
        ([row(1, "message.noted", at=0), row(2, ASKED, at=6)], [1, 2]),
    ],
)  # fmt: skip
def test_no_row_hides_another_deed(rows: list[AuditEntryShown], left: list[int]) -> None:
    assert shown(*rows) == left
    assert shown(*reversed(rows)) == left[::-1]

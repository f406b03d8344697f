"""Visitors of the site's chat, while everything is killed: each line is sent until it is acknowledged, some twice.

A visitor counts a line as written only when the desk has acknowledged it, as the chat's own page does.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa

from benchmarks.chaos.customers import Books, post, until_taken
from benchmarks.rig import Rig, Served
from store.db.bulk import table_of
from store.tables.chat import ChatLineRow, LineKind
from store.tables.messages import MessageRow

_CHANNEL: Final = "visitors"
_CONFIG: Final = """
[channels.visitors]
kind = "chat"
per_hour = 100000
per_minute = 100000
"""
_VISITORS: Final = 20
# A page that is not sure that a line arrived sends it again.
_SENT_TWICE: Final = 0.2


@dataclass(frozen=True, slots=True)
class LineBooks(Books):
    """Each figure is 0 if the promises were kept.

    lost: acknowledged lines that are not there.  doubled: lines of one client id that are there twice.
    out_of_order: sessions whose numbers have gaps, or whose lines are in another order than they were sent.
    without_message: lines without a message of the conversation, and the reverse.
    """

    out_of_order: int
    without_message: int


class Visitors:
    """The visitors of one run. See `Customers`. lines: of all together.  chance: seeded by the run."""

    name = "lines"
    channels: tuple[str, ...] = (_CHANNEL,)
    changes = False
    secrets: Mapping[str, str] = {}

    def __init__(self, *, lines: int, chance: random.Random) -> None:
        self.lines, self._chance = lines, random.Random(chance.random()) if lines else chance
        self._written: list[list[str]] = [[] for _ in range(min(_VISITORS, lines))]

    @property
    def config(self) -> str:
        """See `Customers`."""
        return _CONFIG if self.lines else ""

    @property
    def rows(self) -> int:
        """See `Customers`."""
        return self.lines

    @property
    def conversations(self) -> int:
        """See `Customers`: one a visitor."""
        return len(self._written)

    def is_drained(self, _: Rig) -> bool:
        """See `Customers`."""
        return True

    def close(self) -> None:
        """See `Customers`: there is no provider."""

    def threads(self, rig: Rig, *, seconds: float) -> list[threading.Thread]:
        """See `Customers`: each writes as one visitor."""
        return [
            threading.Thread(target=self._write, args=(rig, written), kwargs={"number": number, "seconds": seconds})
            for number, written in enumerate(self._written)
        ]

    def books(self, rig: Served) -> LineBooks:
        """See `Customers`."""
        line, message = table_of(ChatLineRow), table_of(MessageRow)
        mine = sa.select(line.c.session_id, line.c.seq, line.c.client_id).where(line.c.kind == LineKind.VISITOR)
        numbers = sa.select(line.c.session_id, line.c.seq).order_by(line.c.session_id, line.c.seq)
        messages = sa.select(sa.func.count()).where(message.c.channel == _CHANNEL, message.c.inbound_id.is_not(None))
        with rig.database.read() as connection:
            stored = connection.execute(mine.order_by(line.c.session_id, line.c.seq)).all()
            all_numbers = connection.execute(numbers).all()
            routed = connection.execute(messages).scalar_one()
        counted = Counter(row.client_id for row in stored)
        acknowledged = {client_id for written in self._written for client_id in written}
        return LineBooks(
            lost=len(acknowledged - counted.keys()),
            doubled=sum(count - 1 for count in counted.values()),
            out_of_order=self._out_of_order(
                [(row.session_id, row.client_id) for row in stored], [(row[0], row[1]) for row in all_numbers]
            ),
            without_message=abs(routed - len(stored)),
        )

    def _out_of_order(self, stored: Sequence[tuple[UUID, str]], numbers: Sequence[tuple[UUID, int]]) -> int:
        by_session: dict[UUID, list[str]] = {}
        for session, client_id in stored:
            by_session.setdefault(session, []).append(client_id)
        sent = {written[0]: written for written in self._written if written}
        swapped = sum(sent.get(lines[0]) != lines for lines in by_session.values())
        seqs: dict[UUID, list[int]] = {}
        for session, seq in numbers:
            seqs.setdefault(session, []).append(seq)
        return swapped + sum(found != list(range(1, len(found) + 1)) for found in seqs.values())

    def _write(self, rig: Served, written: list[str], *, number: int, seconds: float) -> None:
        count = self.lines // len(self._written) + (number < self.lines % len(self._written))
        secret = json.loads(_until_done(rig, "session", {"in_header": True}))["secret"]
        for place in range(count):
            client_id = str(uuid4())
            for _ in range(1 + (self._chance.random() < _SENT_TWICE)):
                said = {"client_id": client_id, "text": f"Visitor {number} asks for the {place}th time"}
                _until_done(rig, "lines", said, secret=secret)
            written.append(client_id)
            time.sleep(seconds / count)


def _until_done(rig: Served, what: str, said: Mapping[str, object], *, secret: str = "") -> bytes:
    """Post until the desk answers 200, as the chat's page does."""
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    headers |= {"Authorization": f"Bearer {secret}"} if secret else {}
    path, body = f"chat/{_CHANNEL}/{what}", json.dumps(said).encode()
    return until_taken(lambda: post(rig, path, body=body, headers=headers), what="a line")

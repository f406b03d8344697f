"""Visitors of the site's chat, while everything is killed: each line is sent until it is acknowledged, some twice.

A visitor counts a line as written only when the desk has acknowledged it, as the chat's own page does.
"""

from __future__ import annotations

import contextlib
import http.client
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

from benchmarks.rig import Served
from store.db.bulk import table_of
from store.tables.chat import ChatLineRow, LineKind
from store.tables.messages import MessageRow

CHANNEL: Final = "visitors"
_CONFIG: Final = """
[channels.visitors]
kind = "chat"
per_hour = 100000
per_minute = 100000
"""
_VISITORS: Final = 20
_PATIENCE_SECONDS: Final = 240
# A page that is not sure that a line arrived sends it again.
_SENT_TWICE: Final = 0.2


@dataclass(frozen=True, slots=True)
class LineBooks:
    """Each figure is 0 if the promises were kept.

    lost: acknowledged lines that are not there.  doubled: lines of one client id that are there twice.
    out_of_order: sessions whose numbers have gaps, or whose lines are in another order than they were sent.
    without_message: lines without a message of the conversation, and the reverse.
    """

    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    without_message: int = 0


NO_LINES: Final = LineBooks()
"""The books of a run without visitors."""


class Visitors:
    """The visitors of one run. lines: of all together.  chance: seeded by the run."""

    def __init__(self, *, lines: int, chance: random.Random) -> None:
        self.lines, self._chance = lines, random.Random(chance.random()) if lines else chance
        self._written: list[list[str]] = [[] for _ in range(min(_VISITORS, lines))]

    @property
    def config(self) -> str:
        """The channel, as TOML."""
        return _CONFIG if self.lines else ""

    @property
    def conversations(self) -> int:
        """How many conversations they make: one each."""
        return len(self._written)

    def threads(self, rig: Served, *, seconds: float) -> list[threading.Thread]:
        """Return the threads that write, each as one visitor, spread over `seconds`."""
        return [
            threading.Thread(target=self._write, args=(rig, written), kwargs={"number": number, "seconds": seconds})
            for number, written in enumerate(self._written)
        ]

    def books(self, rig: Served) -> LineBooks:
        """Compare what was acknowledged with the lines and messages of the desk."""
        line, message = table_of(ChatLineRow), table_of(MessageRow)
        mine = sa.select(line.c.session_id, line.c.seq, line.c.client_id).where(line.c.kind == LineKind.VISITOR)
        numbers = sa.select(line.c.session_id, line.c.seq).order_by(line.c.session_id, line.c.seq)
        messages = sa.select(sa.func.count()).where(message.c.channel == CHANNEL, message.c.inbound_id.is_not(None))
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
    end = time.monotonic() + _PATIENCE_SECONDS
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    headers |= {"Authorization": f"Bearer {secret}"} if secret else {}
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=10)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", f"/chat/{CHANNEL}/{what}", body=json.dumps(said), headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == http.client.OK:
                return content
        time.sleep(0.2)
    raise TimeoutError(f"the desk did not take a line within {_PATIENCE_SECONDS} s")

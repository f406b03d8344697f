"""How soon a mail is visible in the API after its arrival: ordinary ones, emergencies, and those behind others.

    python -m benchmarks.latency --rate 200 --seconds 30 --database sqlite|postgresql --json
    python -m benchmarks.latency --rate 20 --hostile 50      mails that come behind 50 hostile ones
    python -m benchmarks.latency --rate 0 --backlog 2000     emergencies while 2,000 ordinary messages wait

Every process is the shipped one: connectors, a worker (or `--workers`), web, broker, database. Mail arrives one by one
at a steady rate, by IMAP (`--by imap`: put into the mailbox of the mail server) or by SMTP (`--by smtp`), and with it
`--emergencies` a second. A wait begins when the mail is handed over, and for SMTP before its transfer; it ends when
the message is committed in its conversation, which is what the API reads from. To see that without loading the desk,
the events are read from the database every 20 ms; for one of 20 mails the conversation is also asked for
(`GET /api/v1/conversations/ID`) at that moment, and `api_confirmed` has the waits until that answer.

Waits are milliseconds, by kind: ordinary, emergency, and each of them behind hostile mail or behind a backlog. `parts`
are those of all mails, one after the other: until the connector has all of it, until it is stored, until a worker claims
it, until it is visible, and until its event is in the feed of the API. The first four are a mail's whole wait.
`page` is how many messages were claimed together, as each of them sees it; `cores` is how much of a core each part
used while mails were sent. The benchmark itself sends and looks, and shares the cores with all of them.
"""

from __future__ import annotations

import argparse
import http
import http.client
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa

from benchmarks.latency.mails import SentMail, backlog_of, schedule_of
from benchmarks.latency.senders import ImapSender, Sender, SmtpSenders
from benchmarks.rig import Rig, running_rig, wait_until
from connectors.base import Batch
from router.errors import OmniyardError
from store.db.engine import Database
from store.desk.agents import add_agent
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

_SPARE_CATEGORY: Final = '\n[categories.spare]\ntitle = { zh = "备用", en = "Spare" }\n'
_BACKLOG_CHANNEL: Final = "desk-mail"
_BACKLOG_BATCH: Final = 200
_START_SECONDS: Final = 120
_DRAIN_SECONDS: Final = 180
_LOOK_SECONDS: Final = 0.02
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
# One of so many ordinary mails is asked for by the API.
_ASKED: Final = 20
_EVENTS: Final = sa.text(
    "SELECT id, number, conversation_id, payload, at FROM event"
    " WHERE (number > :after OR number IS NULL) AND kind IN ('conversation.opened', 'message.received')"
)
_NEWEST: Final = sa.text("SELECT coalesce(max(number), 0) FROM event")
_STORED: Final = sa.text(
    "SELECT inbound.id, inbound.received_at, inbound.accepted_at, message.rfc_message_id, conversation.emergency"
    " FROM message"
    " JOIN inbound ON inbound.id = message.inbound_id JOIN conversation ON conversation.id = message.conversation_id"
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with running_rig(arguments.database) as rig:
        rig.calendar = "always"
        rig.channels = _SPARE_CATEGORY if arguments.words else ""
        rig.write_config()
        figures = {"database": arguments.database, "by": arguments.by, **_measure(rig, arguments)}
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200, help="ordinary mails a second; 0 for a few at the beginning")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--emergencies", type=float, default=1.0, help="a second")
    parser.add_argument("--hostile", type=int, default=0, help="mails that arrive at once in the middle of the time")
    parser.add_argument("--backlog", type=int, default=0, help="ordinary messages that wait from the middle on")
    parser.add_argument("--by", choices=("imap", "smtp"), default="imap")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--words", action="store_true", help="judge by words alone, without the shipped model")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What is seen in the database: by inbound id, when its message was there, and when its event had a number.

    claimed: when a worker claimed it, by the database's clock, which all messages of a batch have in common.
    """

    database: Database
    asked: queue.SimpleQueue[tuple[str, str] | None] = field(default_factory=queue.SimpleQueue)
    visible: dict[str, float] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)
    claimed: dict[str, float] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)
    _after: int = 0

    def run(self) -> None:
        """Look every 20 milliseconds until `ended`."""
        while not self.ended.wait(_LOOK_SECONDS):
            with suppress(OmniyardError):
                self._look()

    def _look(self) -> None:
        with self.database.read() as connection:
            newest = int(connection.execute(_NEWEST).scalar_one())
            found = connection.execute(_EVENTS, {"after": self._after}).all()
        now, self._after = time.time(), newest
        for _, number, conversation_id, payload, at in found:
            about = json.loads(payload) if isinstance(payload, str) else payload
            key = _plain(about["inbound_id"])
            if key not in self.visible:
                self.visible[key], self.claimed[key] = now, _moment(at)
                self.asked.put((key, _plain(conversation_id)))
            if number is not None:
                self.published.setdefault(key, now)


@dataclass(slots=True, kw_only=True)
class _Asker:
    """Asks the API for conversations that were just seen. confirmed: when it answered, by inbound id."""

    rig: Rig
    token: str
    watch: _Watch
    wanted: int = 0
    confirmed: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    def run(self) -> None:
        """Ask for one of 20 until the queue ends; one is asked for at a time."""
        while (seen := self.watch.asked.get()) is not None:
            self.wanted += 1
            if self.wanted % _ASKED == 0:
                self._ask(inbound_id=seen[0], conversation_id=seen[1])

    def _ask(self, *, inbound_id: str, conversation_id: str) -> None:
        # A line of its own each time: the server closes one that was silent for some seconds.
        line = http.client.HTTPConnection("127.0.0.1", self.rig.web_port, timeout=30)
        path = f"/api/v1/conversations/{conversation_id}"
        line.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = line.getresponse()
        answer.read()
        line.close()
        if answer.status == http.HTTPStatus.OK:
            self.confirmed[inbound_id] = time.time()
        else:
            self.refused += 1


def _measure(rig: Rig, arguments: argparse.Namespace) -> dict[str, Any]:
    with rig.database.write() as connection:
        token = add_agent(connection, name="reader", role="agent")[1]
    rig.start_from_the_first_mail()
    rig.start_broker()
    names = [f"worker {number}" for number in range(1, arguments.workers + 1)]
    for name, module in (("web", "api"), *((name, "workers") for name in names), ("connectors", "connectors")):
        rig.start(name, module)
    wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
    watch = _Watch(database=rig.database)
    asker = _Asker(rig=rig, token=token, watch=watch)
    threads = [threading.Thread(target=part.run) for part in (watch, asker)]
    for thread in threads:
        thread.start()
    sender: Sender = SmtpSenders(rig) if arguments.by == "smtp" else ImapSender(rig)
    try:
        first = _warm(rig, sender)
        before, began = _processor(rig), time.perf_counter()
        sent = _send(rig, sender, arguments, start=first)
        seconds = time.perf_counter() - began
        cores = {name: round((spent - before.get(name, 0.0)) / seconds, 2) for name, spent in _processor(rig).items()}
        with suppress(TimeoutError):
            wait_until(lambda: _is_drained(rig, sent, watch), seconds=_DRAIN_SECONDS, every=1.0)
    finally:
        watch.ended.set()
        threads[0].join()
        watch.asked.put(None)
        threads[1].join()
    return {**_figures(rig, sent, watch, asker), "cores": cores}


def _processor(rig: Rig) -> dict[str, float]:
    return {**rig.cpu_seconds(), "benchmark": time.process_time()}


def _warm(rig: Rig, sender: Sender) -> int:
    """Send a few mails that warm the desk; return how many."""
    first = schedule_of(rate=10, seconds=2, emergencies=1, hostile=0, start=0, backlog=False)
    sender.send(first)
    wait_until(lambda: _stored(rig) >= len(first) and _waiting(rig) == 0, seconds=_START_SECONDS, every=0.1)
    return len(first)


def _send(rig: Rig, sender: Sender, arguments: argparse.Namespace, *, start: int) -> list[SentMail]:
    """Send what the arguments say; return the mails with their times. start: the number of the first."""
    backlog = backlog_of(arguments.backlog, channel=_BACKLOG_CHANNEL)
    sending = schedule_of(
        rate=arguments.rate,
        seconds=arguments.seconds,
        emergencies=arguments.emergencies,
        hostile=arguments.hostile,
        start=start,
        backlog=bool(backlog),
    )
    intake = Intake(rig.database, bell=Bell(lambda: rig.broker.url))

    def fill() -> None:
        for begin in range(0, len(backlog), _BACKLOG_BATCH):
            batch = Batch(channel=_BACKLOG_CHANNEL, messages=(), cursor=None)
            intake.commit(batch, backlog[begin : begin + _BACKLOG_BATCH], token=None)

    sender.send(sending, at_half=partial(fill) if backlog else None)
    intake.close()
    return sending


def _stored(rig: Rig) -> int:
    return rig.scalar("SELECT count(*) FROM inbound")


def _waiting(rig: Rig) -> int:
    return rig.scalar("SELECT count(*) FROM inbound WHERE state = 'received'")


def _is_drained(rig: Rig, sent: Sequence[SentMail], watch: _Watch) -> bool:
    with rig.database.read() as connection:
        there = {(row.rfc_message_id or "").strip("<>") for row in connection.execute(_STORED)}
    seen = all(mail.key in there for mail in sent if mail.kind != "hostile")
    return seen and _waiting(rig) == 0 and len(watch.published) >= len(watch.visible)


def _figures(rig: Rig, sent: Sequence[SentMail], watch: _Watch, asker: _Asker) -> dict[str, Any]:
    with rig.database.read() as connection:
        rows = {(row.rfc_message_id or "").strip("<>"): row for row in connection.execute(_STORED)}
    waits: dict[str, list[float]] = {}
    batches = Counter(watch.claimed.values())
    parts: dict[str, list[float]] = {"received": [], "stored": [], "claimed": [], "visible": [], "published": []}
    together: list[int] = []
    confirmed: list[float] = []
    missing = 0
    for mail in (mail for mail in sent if mail.kind != "hostile"):
        row = rows.get(mail.key)
        key = _plain(row.id) if row else ""
        if row is None or key not in watch.visible:
            missing += 1
            continue
        visible = watch.visible[key]
        waits.setdefault(mail.kind, []).append(visible - mail.arrived)
        moments = (mail.arrived, _moment(row.received_at), _moment(row.accepted_at), watch.claimed[key], visible)
        for name, (since, until) in zip(parts, pairwise(moments), strict=False):
            parts[name].append(until - since)
        together.append(batches[watch.claimed[key]])
        if key in watch.published:
            parts["published"].append(watch.published[key] - visible)
        if key in asker.confirmed:
            confirmed.append(asker.confirmed[key] - mail.arrived)
    emergencies = [mail.key for mail in sent if mail.kind.startswith("emergency")]
    return {
        "mails": len(sent),
        "missing": missing,
        "emergencies_found": sum(bool(rows[key].emergency) for key in emergencies if key in rows),
        "emergencies_sent": len(emergencies),
        **{f"{kind}_ms": _shares(each) for kind, each in sorted(waits.items())},
        "parts_ms": {name: _shares(each) for name, each in parts.items()},
        "page": _shares([number / 1000 for number in together]),
        "api_confirmed_ms": _shares(confirmed) | {"asked": len(confirmed) + asker.refused, "refused": asker.refused},
        "longest_emergency_ms": _longest(waits, emergency=True),
        "longest_ordinary_ms": _longest(waits, emergency=False),
    }


def _shares(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {name: round(ordered[min(int(len(ordered) * at), len(ordered) - 1)] * 1000) for name, at in _SHARES.items()}


def _longest(waits: dict[str, list[float]], *, emergency: bool) -> float:
    chosen = [each for kind, some in waits.items() if kind.startswith("emergency") == emergency for each in some]
    return round(max(chosen, default=0.0) * 1000)


def _plain(key: object) -> str:
    return str(key).replace("-", "")


def _moment(stored: datetime | str) -> float:
    # SQLite gives text without a zone, which is UTC.
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


if __name__ == "__main__":
    main()

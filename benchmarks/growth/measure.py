"""Measure two databases in turn, the grown and the small one, so that other load on the machine meets both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from benchmarks.growth.bulk_load import count_messages, run_alone, table_bytes, without_deadline
from benchmarks.growth.operations import OPERATIONS, OWN_MAILS, WAITING, Call, Subject
from benchmarks.growth.plan import ratio, timing
from store.db.engine import Database
from store.inbound.retention import forget_originals

_MAILS: Final = 500
_A_BATCH: Final = 50
_FORGET_AT_ONCE: Final = 100
_MOST_TABLES: Final = 25
# A count, so that each conversation's own messages are read: PostgreSQL would read all messages for an EXISTS.
_RESOLVE: Final = sa.text(
    "UPDATE conversation SET status = 'resolved', first_reply_due_at = NULL, next_reply_due_at = NULL,"
    " resolve_due_at = NULL WHERE status = 'open' AND 0 <"
    " (SELECT count(*) FROM message m WHERE m.conversation_id = conversation.id AND m.rfc_message_id LIKE :mails)"
)
_VACUUM: Final = ("message", "inbound", "conversation", "original", "event", "outbound")


def measure(grown: Subject, small: Subject, *, calls: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the figures of both. calls: of each operation, on each database."""
    for subject in (grown, small):
        resolve_own(subject.desk.database)
        # What waits for the sweep since the load: the promises of what is open.
        while subject.sweep.once():
            pass
    say("intake")
    intake = _intake(grown, small)
    is_open = {"grown": _count_open(grown.desk.database), "small": _count_open(small.desk.database)}
    operations = {}
    for name, call in OPERATIONS.items():
        if name.startswith("claim"):
            for subject in (grown, small):
                subject.desk.take(subject.new_mails(WAITING))
        say(name)
        operations[name] = _operation(call, grown, small, calls=calls)
    for subject in (grown, small):
        while subject.desk.router.route_oldest():
            pass
    say("retention")
    retention = {"grown": _forget_a_day(grown.desk.database), "small": _forget_a_day(small.desk.database)}
    say("vacuum while mails are routed")
    vacuum = _vacuum(grown)
    resolve_own(grown.desk.database)
    return {
        "messages": count_messages(grown.desk.database),
        "intake": intake,
        "open_conversations": is_open,
        "operations": operations,
        "retention_of_a_day": retention,
        "vacuum_under_load": vacuum,
        **_sizes(grown.desk.database),
    }


def resolve_own(database: Database) -> None:
    """Close the conversations that mails of a run have opened, or opened again: each run finds what was loaded.

    Raw, as the load writes: the events and promises of these would be more work than the run itself.
    """
    with database.write() as connection:
        without_deadline(connection)
        connection.execute(_RESOLVE, {"mails": OWN_MAILS})
    if not database.is_sqlite:
        # An index tells which rows all can see only after this, and a desk has it every now and then.
        run_alone(database, "VACUUM (ANALYZE) conversation")


def _count_open(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM conversation WHERE status = 'open'")).scalar_one())


def _intake(grown: Subject, small: Subject) -> dict[str, float]:
    seconds = {"grown": 0.0, "small": 0.0}
    for _ in range(_MAILS // _A_BATCH):
        for name, subject in (("grown", grown), ("small", small)):
            seconds[name] += _route(subject, _A_BATCH)
    rates = {name: round(_MAILS / taken, 1) for name, taken in seconds.items()}
    return {**rates, "ratio": ratio(rates["grown"], rates["small"])}


def _route(subject: Subject, count: int) -> float:
    mails = subject.new_mails(count)
    started = time.perf_counter()
    subject.desk.route(mails)
    return time.perf_counter() - started


def _operation(call: Call, grown: Subject, small: Subject, *, calls: int) -> dict[str, Any]:
    """Return how long the calls take, each for another object; and again at once, when all it reads is in memory."""
    first, again = _Taken([], []), _Taken([], [])
    # A desk that runs has asked before: the first call also builds statements.
    for subject in (grown, small):
        call(subject, calls)
    for number in range(calls):
        pair = ((grown, first.grown, again.grown), (small, first.small, again.small))
        for subject, *places in pair if number % 2 else reversed(pair):
            for place in places:
                started = time.perf_counter()
                call(subject, number)
                place.append(time.perf_counter() - started)
    return {**first.figures(), "again": again.figures()}


@dataclass(frozen=True, slots=True)
class _Taken:
    """The seconds of each call on both databases."""

    grown: list[float]
    small: list[float]

    def figures(self) -> dict[str, Any]:
        ours, theirs = timing(self.grown), timing(self.small)
        ratios = {"ratio_p50": ratio(ours.p50, theirs.p50), "ratio_p95": ratio(ours.p95, theirs.p95)}
        return {"grown": asdict(ours), "small": asdict(theirs), **ratios}


def _forget_a_day(database: Database) -> dict[str, Any]:
    """Delete the originals of the oldest day, as the sweep's chore does; return how long a step takes."""
    with database.read() as connection:
        oldest = connection.execute(
            sa.text(
                "SELECT min(i.accepted_at) FROM original o JOIN inbound i ON i.id = o.inbound_id"
                " WHERE o.inbound_id = (SELECT inbound_id FROM original ORDER BY inbound_id LIMIT 1)"
            ).columns(sa.column("at", sa.Text()))
        ).scalar_one()
    first = datetime.fromisoformat(str(oldest))
    before = (first if first.tzinfo else first.replace(tzinfo=UTC)) + timedelta(days=1)
    gone = 0
    taken: list[float] = []
    while True:
        started = time.perf_counter()
        with database.write() as connection:
            step = forget_originals(connection, before=before, limit=_FORGET_AT_ONCE)
        taken.append(time.perf_counter() - started)
        gone += step
        if step < _FORGET_AT_ONCE:
            return {"messages": gone, "seconds": round(sum(taken), 3), "a_step_ms": asdict(timing(taken))}


def _vacuum(subject: Subject) -> dict[str, float]:
    """Vacuum while mails are routed; return how long it takes and at which rate they are routed meanwhile."""
    database = subject.desk.database
    taken: list[float] = []
    thread = threading.Thread(target=_timed_vacuum, args=(database, taken))
    thread.start()
    started, routed = time.perf_counter(), 0
    while thread.is_alive() or not routed:
        _route(subject, _A_BATCH)
        routed += _A_BATCH
    rate = routed / (time.perf_counter() - started)
    thread.join()
    return {"vacuum_seconds": round(sum(taken), 2), "mails_a_second": round(rate, 1)}


def _timed_vacuum(database: Database, taken: list[float]) -> None:
    started = time.perf_counter()
    # SQLite's VACUUM writes the file again under a lock; the desk has it free pages by itself.
    tables = [] if database.is_sqlite else _VACUUM
    for table in tables:
        run_alone(database, f"VACUUM (ANALYZE) {table}")
    taken.append(time.perf_counter() - started)


def _sizes(database: Database) -> dict[str, Any]:
    found, messages = table_bytes(database), count_messages(database)
    shown = {name: round(size / messages, 1) for name, size in list(found.items())[:_MOST_TABLES]}
    return {"bytes_a_message": round(sum(found.values()) / messages), "bytes_a_message_by_table_and_index": shown}

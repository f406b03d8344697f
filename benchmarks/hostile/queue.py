"""What heavy mail costs the customers in danger: emergencies arrive while heavy mails of 1.8 MB always wait.

Measured on a whole desk with the shipped processes (one of connectors, one worker): the time from the acceptance of an
emergency to its place in the inbox, whether anything was routed twice, and whether what is kept is masked. The
emergencies come by SMTP. The heavy mails are read once by the guarded reader and accepted again and again, because a
sender on the same machine cannot send as fast as the worker routes them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from statistics import quantiles
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa

from benchmarks.rig import Rig, running_rig, submit, wait_until
from connectors.base import Arrival, Batch, RawMessage
from connectors.email.sandbox.parent import Guard
from router.errors import OmniyardError
from store.db.engine import Database
from store.inbound.claims import LIGHT
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

HEAVY_BYTES: Final = 1_800_000
_EVERY_SECONDS: Final = 0.5
# As many more wait than are required, because the worker takes some between two looks.
_IN_RESERVE: Final = 20
_BATCH: Final = 10
_NUMBER: Final = "n0000000"
_START_SECONDS: Final = 180
_DRAIN_SECONDS: Final = 60
# The shipped SMTP listener's.
_CHANNEL: Final = "desk-mail"
_CARD: Final = "4111 1111 1111 1111"
_PASSWORD: Final = "Dragon!4711"
# Each is slow to read in its own way: digits between tags, entities, words that announce a secret, single digits.
_UNITS: Final = ("<b>4</b>1 ", "&nbsp;1", "<td>code 12</td><td>password is</td>", "1 4 ", "密码 验证码 1<i>2</i>")
_ROUTED: Final = sa.text(
    "SELECT inbound.id, inbound.accepted_at FROM message JOIN inbound ON inbound.id = message.inbound_id"
    " WHERE message.sender_handle LIKE 'danger%'"
)
_HEAVY: Final = f"SELECT count(*) FROM inbound WHERE state = 'received' AND weight > {LIGHT}"
_HEAVY_ROUTED: Final = "SELECT count(*) FROM message WHERE sender_handle LIKE 'heavy%'"
_KEPT: Final = sa.text("SELECT subject, text, quoted, html, sender_name FROM message")


@dataclass(slots=True)
class _Watch:
    """What is seen while the emergencies arrive. seconds: from acceptance to routed, by inbound id."""

    database: Database
    seconds: dict[str, float] = field(default_factory=dict)
    fewest_heavy: int | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look every 50 milliseconds until `ended`."""
        while not self.ended.wait(0.05):
            with contextlib.suppress(OmniyardError):
                self._look()

    def _look(self) -> None:
        with self.database.read() as connection:
            found = connection.execute(_ROUTED).all()
            heavy = int(connection.execute(sa.text(_HEAVY)).scalar_one())
        now = time.time()
        for row in found:
            self.seconds.setdefault(str(row.id), now - _moment(row.accepted_at))
        self.fewest_heavy = heavy if self.fewest_heavy is None else min(self.fewest_heavy, heavy)


def measure(*, emergencies: int, waiting: int, kind: str = "sqlite") -> dict[str, object]:
    """Return the figures. waiting: how many heavy mails wait at least at any moment.  kind: of database."""
    with running_rig(kind) as rig, _HeavyMail(rig, waiting=waiting + _IN_RESERVE) as heavy:
        rig.start_broker()
        for name in ("connectors", "workers"):
            rig.start(name, name)
        wait_until(lambda: rig.scalar(_HEAVY_ROUTED) > 0, seconds=_START_SECONDS, every=0.5)
        wait_until(lambda: rig.scalar(_HEAVY) >= waiting, seconds=_START_SECONDS, every=0.5)
        watch = _Watch(rig.database)
        watching = threading.Thread(target=watch.run)
        watching.start()
        senders = [threading.Thread(target=submit, args=(rig, _emergency(number))) for number in range(emergencies)]
        for sender in senders:
            sender.start()
            time.sleep(_EVERY_SECONDS)
        for sender in senders:
            sender.join()
        fewest = watch.fewest_heavy
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: len(watch.seconds) >= emergencies, seconds=_DRAIN_SECONDS, every=0.2)
        watch.ended.set()
        watching.join()
        return _figures(rig, watch, emergencies=emergencies, fewest=fewest, sent=heavy.sent)


class _HeavyMail:
    """Accepts heavy mail whenever fewer than `waiting` wait, until it is stopped."""

    def __init__(self, rig: Rig, *, waiting: int) -> None:
        self._rig, self._waiting, self.sent = rig, waiting, 0
        self._ended = threading.Event()
        self._intake = Intake(rig.database, bell=Bell(lambda: rig.broker.url))
        at = datetime.now(UTC)
        raw = [RawMessage(source_key=unit, content=_heavy(unit), received_at=at) for unit in _UNITS]
        with Guard() as guard:
            self._read = guard.normalise_batch(raw, channel=_CHANNEL)
        self._thread = threading.Thread(target=self._feed)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._intake.close()

    def _feed(self) -> None:
        while not self._ended.wait(0.05):
            with contextlib.suppress(OmniyardError):
                while self._rig.scalar(_HEAVY) < self._waiting:
                    batch = [self._next() for _ in range(_BATCH)]
                    self._intake.commit(Batch(channel=_CHANNEL, messages=(), cursor=None), batch, token=None)

    def _next(self) -> Arrival:
        """Return one more heavy mail, from another customer."""
        self.sent += 1
        arrival, number = self._read[self.sent % len(self._read)], f"n{self.sent:07}"
        return replace(
            arrival,
            source_key=number,
            envelope=arrival.envelope.replace(_NUMBER.encode(), number.encode()),
            content_hash=sha256(number.encode()).digest(),
        )


def _heavy(unit: str) -> bytes:
    secrets = f"<p>number {_NUMBER}: card {_CARD}, my password is {_PASSWORD}</p>"
    page = f"<html><body>{secrets}{unit * (HEAVY_BYTES // len(unit.encode()))}{secrets}</body></html>"
    mail = _mail(f"heavy.{_NUMBER}@customer.example", subject=f"heavy {_NUMBER}")
    mail.set_content(page, subtype="html", cte="8bit")
    return mail.as_bytes()


def _emergency(number: int) -> bytes:
    mail = _mail(f"danger{number}@customer.example", subject=f"help {number}")
    mail.set_content(f"My account was hacked and {number + 100} yuan were stolen. 我的账户被盗了。")
    return mail.as_bytes()


def _mail(sender: str, *, subject: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, "support@desk.example", subject
    mail["Message-ID"] = f"<{sender}>"
    return mail


def _moment(stored: datetime | str) -> float:
    # SQLite gives text without a zone, which is UTC.
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return (moment if moment.tzinfo else datetime.fromisoformat(f"{moment.isoformat()}+00:00")).timestamp()


def _figures(rig: Rig, watch: _Watch, *, emergencies: int, fewest: int | None, sent: int) -> dict[str, object]:
    seconds = sorted(watch.seconds.values())
    percents = quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [0.0] * 99
    return {
        "name": "queue",
        "emergencies": emergencies,
        "routed": len(seconds),
        "as_emergency": rig.scalar("SELECT count(*) FROM conversation WHERE emergency AND subject LIKE 'help %'"),
        "fewest_heavy_waiting": fewest,
        "heavy_sent": sent,
        "heavy_routed": rig.scalar(_HEAVY_ROUTED),
        "p50_seconds": round(percents[49], 2),
        "p99_seconds": round(percents[98], 2),
        "most_seconds": round(seconds[-1], 2) if seconds else None,
        "tried_twice": rig.scalar("SELECT count(*) FROM inbound WHERE attempts > 1"),
        "routed_twice": rig.scalar("SELECT count(*) - count(DISTINCT inbound_id) FROM message"),
        "unmasked": _unmasked(rig.database),
    }


def _unmasked(database: Database) -> int:
    """Return how many kept messages show a secret of a heavy mail."""
    with database.read() as connection:
        kept = [" ".join(filter(None, row)) for row in connection.execute(_KEPT)]
    return sum(_CARD in text or _PASSWORD.lower() in text.lower() for text in kept)

"""A small desk for tests of the workers: one settings text, envelopes in, rows out; all parts real."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from router.envelope import Envelope, Party, PartyKind, to_json
from router.settings import Settings, read_settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.accept import InboundMessage, accept
from store.inbound.claims import claim_batch
from store.tables.messages import InboundRow
from workers.routing.brain import Brain, build_brain
from workers.routing.route import MessageRouter

TOML = """
[omniyard]
timezone = "Asia/Shanghai"
data = "{data}"

[channels.mail]
kind = "smtp"
address = "support@desk.example"
calendar = "office"

[channels.sales]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "sales@desk.example"
calendar = "office"

[calendars.office]
timezone = "Asia/Shanghai"
week = {{ mon-fri = ["09:00-18:00"] }}

[teams.front-line]
title = "Front line"
[teams.risk]
title = "Risk"

[categories.account_security]
emergency = true
keywords = ["hacked", "被盗"]
hints = ["money + gone"]
[categories.refund]
keywords = ["refund", "退款"]

[sla.standard]
calendar = "office"
first_reply = "4h"
next_reply = "4h"
resolve = "2d"
[sla.emergency]
calendar = "always"
first_reply = "15m"

[replies.danger]
follow_ups = true
text = {{ en = "Our risk team has your case {{reference}}." }}
[replies.closed]
once_per = "day"
follow_ups = true
text = {{ en = "We open {{next_opening}}. Case {{reference}}.", zh = "我们{{next_opening}}开门。编号 {{reference}}。" }}

[[routes]]
name = "security, day and night"
when = {{ emergency = true }}
team = "risk"
priority = "urgent"
sla = "emergency"
reply = "danger"

[[routes]]
name = "closed"
when = {{ open = false }}
team = "front-line"
sla = "standard"
reply = "closed"
hold = true

[[routes]]
name = "vip"
when = {{ contact = "vip" }}
team = "front-line"
priority = "high"

[[routes]]
name = "everything else"
team = "front-line"
sla = "standard"
"""

SMS = """
[channels.sms]
kind = "twilio"
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "+15005550006"
calendar = "office"
"""
# A desk that asks what a greeting is about.
GREETED = TOML.replace('data = "{data}"', 'data = "{data}"\ngreeting = "how"', 1).replace(
    "[replies.danger]",
    '[replies.how]\ntext = {{ en = "How can we help?", zh = "请问有什么可以帮您？" }}\n[replies.danger]',
    1,
)

RECEIVED_AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ANN = Party(PartyKind.EMAIL, "ann@customer.example", "Ann")
BOB = Party(PartyKind.EMAIL, "bob@customer.example", "Bob")


# The office calendar of `Desk`; a test cannot wait for the evening.
OPEN = 'week = { mon-sun = ["24h"] }'
_WEEK = 'week = { mon-fri = ["09:00-18:00"] }'


def text_in(folder: Path, *, toml: str = TOML, week: str = OPEN) -> str:
    """Return the desk's file with its data under `folder`."""
    return toml.format(data=folder).replace(_WEEK, week)


def closed_now() -> str:
    """Return the week of an office that is closed today, in every zone, and opens two days later."""
    today = datetime.now(UTC).date()
    dates = [today + timedelta(days=number) for number in (-1, 0, 1)]
    closed = ", ".join(f'{{ on = {day}, open = [], why = "closed by a test" }}' for day in dates)
    return f"{OPEN}\ndates = [{closed}]"


def envelope(key: str, *, sender: Party = ANN, subject: str = "A question", text: str = "", **fields: Any) -> Envelope:
    """Return a mail of a proven sender (unless `signed_by` is empty); its Message-ID is its key unless one is given."""
    values: dict[str, Any] = {"rfc_message_id": f"{key}@customer.example", "channel": "mail"}
    values |= {"signed_by": (sender.handle.rpartition("@")[2],)} | fields
    to = (Party(PartyKind.EMAIL, f"{'support' if values['channel'] == 'mail' else 'sales'}@desk.example"),)
    return Envelope(
        source_key=key,
        sender=sender,
        received_at=RECEIVED_AT,
        subject=subject,
        text=text or f"Words of {key}.",
        to=to,
        **values,
    )


class Desk:
    """Accepts envelopes and routes them."""

    def __init__(self, database: Database, folder: Path, *, toml: str = TOML) -> None:
        self.database, self.folder, self.toml = database, folder, toml
        self.text = text_in(folder, toml=toml)
        self.use(read_settings(self.text))

    def use(self, settings: Settings) -> None:
        """Continue with another configuration."""
        self.settings = settings
        self.brain: Brain = build_brain(settings)
        self.router = MessageRouter(self.database, self.brain)

    def close(self) -> None:
        """Close the office for the next days."""
        self.use(read_settings(text_in(self.folder, toml=self.toml, week=closed_now())))

    def accept(self, *envelopes: Envelope, backfill: bool = False) -> None:
        """Store envelopes as their channels' connectors would."""
        for each in envelopes:
            with self.database.write() as connection:
                deliveries = [_delivery(each)]
                accept(connection, channel=each.channel, deliveries=deliveries, backfill=backfill)

    def route(self, *envelopes: Envelope, backfill: bool = False) -> None:
        """Accept envelopes and route all that are due."""
        self.accept(*envelopes, backfill=backfill)
        while self.router.route_oldest() or self.router.route_alone():
            pass

    def rows(self, model: type[Any], *columns: str) -> Sequence[Any]:
        """Return rows of a table; for one column, its values."""
        table = table_of(model)
        chosen = [table.c[name] for name in columns] or list(table.c)
        with self.database.read() as connection:
            result = connection.execute(sa.select(*chosen).order_by(*chosen[:1]))
            return result.scalars().all() if len(columns) == 1 else result.all()

    def damage(self, source_key: str) -> None:
        """Make a row's envelope unreadable, as a disk error or a bug of an older version might."""
        self._update(table_of(InboundRow).c.source_key == source_key, envelope='{"broken')

    def claim_and_die(self) -> None:
        """Claim what is due and do nothing with it, like a killed worker."""
        with self.database.write() as connection:
            claim_batch(connection, limit=100)

    def let_waits_end(self) -> None:
        """End every lease and every wait."""
        past = RECEIVED_AT
        table = table_of(InboundRow)
        self._update(table.c.lease_until.is_not(None), lease_until=past)
        self._update(table.c.state == "received", due_at=past)

    def change(self, model: type[Any], **values: object) -> None:
        """Change every row of a table, as a person at the desk might."""
        with self.database.write() as connection:
            connection.execute(sa.update(table_of(model)).values(**values))

    def make_due(self, model: type[Any], **values: object) -> None:
        """Let every row of a table be due, and change it besides. SQLite's clock may be a millisecond behind ours."""
        self.change(model, due_at=datetime.now(UTC) - timedelta(seconds=1), **values)

    def _update(self, which: sa.ColumnElement[bool], **values: object) -> None:
        with self.database.write() as connection:
            connection.execute(sa.update(table_of(InboundRow)).where(which).values(**values))

    def states(self) -> dict[str, str]:
        """Return source key -> state of every inbound row."""
        return {row.source_key: row.state for row in self.rows(InboundRow, "source_key", "state")}


def elsewhere(original: Envelope, *, channel: str) -> Envelope:
    """Return the same mail as another of our mailboxes received it."""
    return replace(original, channel=channel)


def _delivery(each: Envelope) -> InboundMessage:
    document = to_json(each)
    return InboundMessage(
        source_key=each.source_key,
        envelope=document.decode(),
        original=document,
        size=len(document),
        weight=len(document),
        content_hash=hashlib.sha256(to_json(replace(each, channel="", source_key=""))).digest(),
        received_at=each.received_at,
    )

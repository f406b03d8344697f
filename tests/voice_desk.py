"""A desk with a hotline whose menu answers: Twilio asks, signed, and the desk routes. A plain module."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from lxml import etree

from connectors.base import Batch
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.gates import PhoneCallRow
from store.tables.messages import AttachmentRow, ConversationRow, MessageRow
from tests.desk import TOML, Desk
from tests.fakes.twilio_voice import ACCOUNT, NUMBER, TOKEN, signed
from workers.broker.doorbell import Bell
from workers.calls.call_writer import CallWriter
from workers.calls.hotline import Hotline
from workers.chores.fetch_files import FileFetcher
from workers.intake.intake import Intake

# A call is missed a minute after its end.
MINUTE = timedelta(seconds=61)
CHANNEL = """
[channels.hotline]
kind = "voice"
number = "{number}"
calendar = "office"
[channels.hotline.twilio]
account = "env:VOICE_ACCOUNT"
token = "env:VOICE_TOKEN"
{more}
"""


def channel_text(more: str = "") -> str:
    """Return the tables of the channel."""
    return CHANNEL.format(number=NUMBER, more=more)


class VoiceDesk(Desk):
    """See `Desk`. more: keys of the menu.  toml: tables of the rest of the desk."""

    def __init__(
        self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch, *, more: str = "", toml: str = TOML
    ) -> None:
        monkeypatch.setenv("VOICE_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("VOICE_TOKEN", TOKEN)
        text = toml + channel_text(more).replace("{", "{{").replace("}", "}}")
        super().__init__(
            database, folder, toml=text.replace("[omniyard]", '[omniyard]\npublic_url = "https://desk.example"')
        )
        self.hotline = Hotline(self.settings, database)
        self.intake = Intake(database, bell=Bell(lambda: None))
        self.writer = CallWriter(database, self.hotline, self.intake)

    def ask(self, query: str = "", **fields: str) -> str:
        """Let Twilio ask for a step; return the TwiML."""
        request = signed(query, **fields)
        machine = self.hotline.verified("hotline", request)
        return self.hotline.answer("hotline", machine, request, now=datetime.now(UTC)).text

    def take(self, batch: Batch) -> None:
        """Let a poll bring a batch."""
        self.intake.take(batch)

    def work(self, *, later: timedelta = timedelta(0)) -> None:
        """Write the messages of the calls and route them. later: as if so much time had passed."""
        if later:
            table = table_of(PhoneCallRow)
            with self.database.write() as connection:
                for row in connection.execute(sa.select(table.c.id, table.c.due_at).where(table.c.due_at.is_not(None))):
                    one = sa.update(table).where(table.c.id == row.id)
                    connection.execute(one.values(due_at=row.due_at - later))
        while self.writer.once():
            pass
        while self.router.route_oldest() or self.router.route_alone():
            pass

    def fetch(self) -> int:
        """Fetch the files that are due."""
        return FileFetcher(self.database, self.settings, seconds=5).once()

    def rows(self, model: type, *columns: str) -> list[Any]:
        """Return the rows of a table in the order of their ids."""
        table = table_of(model)
        with self.database.read() as connection:
            found = connection.execute(sa.select(*(table.c[name] for name in columns)).order_by(table.c.id)).all()
        return [row[0] for row in found] if len(columns) == 1 else [tuple(row) for row in found]

    def texts(self) -> list[str]:
        return self.rows(MessageRow, "text")

    def files(self) -> list[tuple[str, str, int]]:
        return self.rows(AttachmentRow, "name", "media_type", "size")

    def cases(self, *columns: str) -> list[Any]:
        return self.rows(ConversationRow, *columns)


def verbs(twiml: str) -> list[str]:
    """Return the names of the verbs, in their order."""
    return [str(each.tag) for each in etree.fromstring(twiml.encode()).iter()][1:]


def spoken(twiml: str) -> str:
    """Return what the caller hears."""
    return " ".join(each.text or "" for each in etree.fromstring(twiml.encode()).iter("Say"))


def action(twiml: str) -> str:
    """Return the query of the URL that the next step goes to."""
    with_action = [each.get("action") for each in etree.fromstring(twiml.encode()).iter() if each.get("action")]
    return str(with_action[0]).partition("?")[2]


def ring(desk: VoiceDesk, *keys: str, **fields: str) -> str:
    """Call, press keys, and return the last TwiML."""
    twiml = desk.ask("step=start", CallStatus="ringing", **fields)
    for key in keys:
        twiml = desk.ask(action(twiml), Digits=key, **fields)
    return twiml


def hang_up(desk: VoiceDesk, **fields: str) -> None:
    desk.ask("step=status", CallStatus="completed", CallDuration="12", **fields)

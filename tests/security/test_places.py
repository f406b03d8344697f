"""No place keeps a secret as it came: not only the text, but whatever a sender may write anything into."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.services.audit_trail import _entry
from connectors.sms.http_api import webhook
from router.envelope import Attachment, Party, PartyKind
from router.settings.channels.sms import HttpSmsSettings
from store.db.engine import Database
from tests.desk import Desk, envelope

CARD = "4111111111111111"
# These keep what was received, as it was received: they are what an agent may ask for, and each access is recorded.
AS_RECEIVED = ("inbound", "original")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def kept(database: Database) -> str:
    """Return every value of every table but those that keep what was received."""
    with database.read() as connection:
        names = [name for name in sa.inspect(connection).get_table_names() if name not in AS_RECEIVED]
        words = [name for name in names if not name.startswith(("search_words", "search_voc"))]
        return "\n".join(str(connection.execute(sa.text(f'SELECT * FROM "{name}"')).all()) for name in words)


def test_a_message_id_a_media_type_and_a_reply_address_keep_no_card(desk: Desk) -> None:
    first = replace(
        envelope("1"),
        rfc_message_id=f"{CARD}@customer.example",
        reply_to=(Party(PartyKind.EMAIL, f"{CARD}@elsewhere.example"),),
        attachments=(Attachment(name="a", media_type=f"application/x-{CARD}", size=1, sha256="0" * 64, part=1),),
    )
    desk.accept(first)
    desk.router.route_oldest()

    assert desk.states() == {"1": "routed"}
    assert CARD not in kept(desk.database)


def test_an_answer_to_such_a_message_id_still_joins(desk: Desk) -> None:
    own = f"{CARD}@customer.example"
    desk.accept(replace(envelope("1"), rfc_message_id=own, text="where is my refund"))
    desk.router.route_oldest()
    desk.accept(replace(envelope("2"), rfc_message_id="2@customer.example", references=(own,), text="and now?"))
    desk.router.route_oldest()

    with desk.database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM conversation")).scalar_one() == 1


@pytest.mark.parametrize("token", ["PW2712767-D3F7090134", "PW6DK1CDF-C7EA89206B", "K7QF2MXD4-4111111111"])
def test_an_answer_to_a_message_id_of_ours_that_reads_like_a_secret_still_joins(desk: Desk, token: str) -> None:
    own = f"{token}.01a24d720c0c702a860d8b7d530fc445@desk.example"
    read = replace(envelope("1"), in_reply_to=(own,), references=(own,))
    (analysis,) = desk.brain.read_batch([read])
    assert (analysis.envelope.in_reply_to, analysis.envelope.references) == ((own,), (own,))


def test_the_path_of_a_request_keeps_no_card() -> None:
    class Agent:
        id, name = None, "Ann"

    scope = {"actor": Agent, "path_params": {"key": CARD}, "method": "GET", "request_id": "r"}
    asked = f"q={CARD}".encode()
    entry = _entry(scope | {"query_string": asked}, route="/contacts/{key}", status=404, key=b"a key of the desk")

    assert entry is not None
    assert CARD not in entry.object
    assert CARD not in str(entry.detail)


def test_the_id_and_the_sender_of_a_text_message_keep_no_card() -> None:
    fields = {"id": "id", "sender": "from", "text": "text"}
    settings = HttpSmsSettings.model_construct(kind="http_sms", number="10690000", region=None, fields=fields)
    body = json.dumps({"id": CARD, "from": f"Card {CARD}", "text": "hello"}).encode()
    now = datetime.now(UTC)
    batch = webhook.batch_of("sms", settings, body=body, media_type="application/json", now=now)
    again = webhook.batch_of("sms", settings, body=body, media_type="application/json", now=now)

    assert CARD not in batch.messages[0].source_key
    assert batch.messages[0].source_key == again.messages[0].source_key
    assert CARD not in webhook.read(batch.messages[0], "sms").sender.handle

"""A case in public on the desk: it says so, and its first button asks the customer for a private message."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import Batch
from connectors.social.x_mentions.posts import raw_of
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ConversationRow
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient
from tests.fakes.x import KEYS, OWN
from tests.inbox_builder import Builder
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

MORE = """
[channels.mentions]
kind = "x_mentions"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
[categories.account_security]
emergency = true
keywords = ["hacked", "盗刷"]
"""


@pytest.fixture
def settings(tmp_path: Path, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    clock.at = datetime.now(UTC)
    return settings_in(tmp_path / "data", more=MORE)


def case_of(settings: Settings, database: Database, text: str) -> tuple[str, bool]:
    """Let a post with the text be routed; return its case and whether it is an emergency."""
    post = {"id": "1990000000000000001", "text": text, "author_id": "222", "conversation_id": "1990000000000000001"}
    raw = raw_of(post, {"name": "Amy", "username": "amy"}, now=datetime.now(UTC))
    intake = Intake(database, bell=Bell(lambda: None))
    intake.keep(Batch(channel="mentions", messages=[raw], form="x_mentions"))
    intake.close()
    MessageRouter(database, build_brain(settings)).route_oldest()
    table = table_of(ConversationRow)
    with database.read() as connection:
        return connection.execute(table.select().with_only_columns(table.c.reference, table.c.emergency)).one()


@pytest.mark.parametrize(
    ("text", "words"), [("@Wallet 我的账户被盗刷了", "请私信我们"), ("@Wallet I was hacked", "private message")]
)
def test_danger_in_public_is_an_emergency_whose_first_button_is_private(
    settings, database, browser: AppClient, text, words
):
    reference, emergency = case_of(settings, database, text)
    assert emergency
    page = browser.get(f"/conversations/{reference}").text
    composer = page[page.index('id="composer"') :]
    (first, *_) = re.findall(r"<button[^>]*>", composer)
    assert ('name="canned"' in first, 'value="private"' in first) == (True, True)
    assert 'class="for-reply stop" name="kind" value="reply"' in composer
    # Without a script the button fills the answer
    filled = browser.get(f"/conversations/{reference}", params={"canned": "private"}).text
    box = filled[filled.index('<textarea id="text"') :].partition("</textarea>")[0]
    assert words in box
    assert f"https://x.com/messages/compose?recipient_id={OWN}" in box
    assert reference not in box


def test_a_case_in_private_has_no_such_button(database, browser: AppClient):
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4", channel="support-mail"), channel="support-mail")
    case = "K7QF2MXD4"
    page = browser.get(f"/conversations/{case}").text
    assert 'value="private"' not in page
    assert 'stop" name="kind" value="reply"' not in page

"""The first hour: a desk without a mail server answers into its outbox, and a guide leads through a first case."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.registry import open_senders
from router.settings import Settings
from store.db.engine import Database
from tests.api.conftest import settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder
from workers.routing.brain import build_brain
from workers.sending.deliver import Deliverer, InFlight

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    kept = settings_in(tmp_path / "data", more="guide = true")
    channel = kept.channels["support-mail"]
    made = type(channel).model_validate({**channel.model_dump(), "send": {"outbox": True}})
    at_once = kept.desk.model_copy(update={"undo_send": timedelta(0)})
    return kept.model_copy(update={"channels": {"support-mail": made}, "desk": at_once})


def test_an_answer_without_a_mail_server_is_in_the_outbox(
    browser: AppClient, database: Database, settings: Settings
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4"), mail=b"x", trace={})
    page = browser.get("/conversations/K7QF2MXD4").text
    assert "No mail server is set: your answer is kept in the outbox" in page
    hidden = dict(re.findall(r'name="(version|key|seen_at)" value="([^"]+)"', page))
    answer = {**hidden, "kind": "reply", "text": "We look into it.", "when": "now"}
    assert browser.post("/conversations/K7QF2MXD4/say", data=answer, headers=OURS).status_code == 303
    assert "The message is in the outbox; the customer does not get it." in browser.get("/conversations/K7QF2MXD4").text
    brain, senders = build_brain(settings), open_senders(settings)["mail"]
    sending = Deliverer(database, brain, lane="mail", senders=senders, in_flight=InFlight(), stopped=threading.Event())
    assert sending.once() == 1
    assert "No mail server is set: the mail is kept in the outbox" in browser.get("/desk/new").text
    shown = browser.get("/outbox").text
    for words in ("We look into it.", "li@example.com", "/conversations/K7QF2MXD4", "kept, not sent"):
        assert words in shown, words


def test_the_guide_ticks_what_the_agent_has_done(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4"), mail=b"x", trace={})
    page = browser.get("/conversations/K7QF2MXD4").text
    assert "Your first case" in page
    assert page.count('<li class="done">') == 1
    hidden = dict(re.findall(r'name="(version|key|seen_at)" value="([^"]+)"', page))
    browser.post("/conversations/K7QF2MXD4/change", data={**hidden, "do": "take"}, headers=OURS)
    page = browser.get("/conversations/K7QF2MXD4").text
    hidden = dict(re.findall(r'name="(version|key|seen_at)" value="([^"]+)"', page))
    note = {**hidden, "kind": "note", "text": "Asked the bank.", "when": "now"}
    assert browser.post("/conversations/K7QF2MXD4/say", data=note, headers=OURS).status_code == 303
    assert browser.get("/conversations/K7QF2MXD4").text.count('<li class="done">') == 3


def test_no_guide_leads_through_bulk_mail(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4", labels=["bulk-mail"])
        build.message(case, mail=b"x", trace={})
    assert "Your first case" not in browser.get("/conversations/K7QF2MXD4").text


def test_what_the_outbox_keeps_is_not_called_sent(browser: AppClient, database: Database, settings: Settings) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4")
        build.message(case, mail=b"x", trace={})
        build.outbound(case, text="We have received your message.", kind="auto_reply", state="sent")
    for page in ("/conversations/K7QF2MXD4?", "/settings/outbound?state=sent&"):
        for language, kept, sent in (("en", "kept in the outbox", "sent"), ("zh", "已存入发件箱", "已发送")):
            chips = re.findall(
                r'<span class="chip status">([^<]+)</span>', browser.get(f"{page}language={language}").text
            )
            assert kept in chips, (page, language)
            assert sent not in chips, (page, language)

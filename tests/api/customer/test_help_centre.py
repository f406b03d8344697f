"""The help centre and the page behind an automatic answer: by forms, in both languages, without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from router.settings import Settings, read_settings
from router.status_links import CaseLink, LinkKind, case_key, write_case_token
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.db.keys import desk_key
from store.tables.messages import ConversationRow
from store.tables.self_service import AnswerGapRow, AutoAnswerRow, HelpVerdictRow
from tests.api.conftest import TOML
from tests.app_client import AppClient
from tests.inbox_builder import NOON, Builder

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    folder = tmp_path / "faq"
    folder.mkdir()
    texts = {
        "refund--when.en.md": "# When does it arrive?\n> also: how long does a refund take\n\nWithin **7 days**.\n",
        "refund--when.zh.md": "# 退款什么时候到账\n> also: 退款要多久\n\n**七天** 之内。\n",
        "refund--old.en.md": "until: 2026-01-01\n# Old prices\n\nTen.\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    config = tmp_path / "channels.toml"
    text = TOML.format(data=tmp_path / "data", more='public_url = "http://testserver"', rate=0)
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("OMNIYARD_CONFIG", str(config))
    return read_settings(text)


@pytest.fixture
def visitor(app: FastAPI, portal: BlockingPortal) -> Iterator[AppClient]:
    with AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"}) as client:
        yield client


def test_answers_have_topics_pages_anchors_and_a_map_in_both_languages(visitor: AppClient) -> None:
    page = visitor.get("/help").text
    assert 'id="refund-when"' in page
    assert "noindex" not in page
    assert "When does it arrive?" in visitor.get("/help/refund").text
    own = visitor.get("/help/refund/when?language=zh").text
    assert "退款什么时候到账" in own
    assert "<strong>七天</strong>" in own
    assert "http://testserver/help/refund/when?language=zh" in visitor.get("/help/sitemap.xml").text


def test_the_thirty_first_question_of_a_minute_is_refused_with_a_sentence_and_all_answers(
    visitor: AppClient,
) -> None:
    asked = [visitor.post("/help", data={"question": "how long does a refund take"}, headers=ORIGIN) for _ in range(31)]
    assert [page.status_code for page in asked] == [200] * 30 + [429]
    assert asked[-1].headers["Retry-After"] == "60"
    assert "Please try again in a minute" in asked[-1].text
    # Nothing is lost: the question stays in its field, and the answers can be read.
    assert 'value="how long does a refund take"' in asked[-1].text
    assert 'id="refund-when"' in asked[-1].text
    # Pages are no questions.
    assert visitor.get("/help").status_code == 200


def test_a_withdrawn_answer_says_so_instead_of_failing(visitor: AppClient) -> None:
    for path in ("/help/refund/old", "/help/refund/never-was"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "This answer was withdrawn" in page.text
    assert "Old prices" not in visitor.get("/help").text


def test_a_search_finds_by_other_words_and_a_gap_is_kept_masked(visitor: AppClient, database: Database) -> None:
    found = visitor.post("/help", data={"question": "how long will a refund take"}, headers=ORIGIN).text
    assert found.index("Within <strong>7 days</strong>") < found.index("group-1")
    visitor.post("/help", data={"question": "zebra crossing 4111 1111 1111 1111"}, headers=ORIGIN)
    with database.read() as connection:
        (text,) = connection.execute(sa.select(table_of(AnswerGapRow).c.text)).scalars()
    assert "zebra" in text
    assert "4111 1111" not in text


def test_a_visitor_says_whether_an_answer_helped(visitor: AppClient, database: Database) -> None:
    page = visitor.post("/help/refund/when", data={"helpful": "no"}, headers=ORIGIN, follow_redirects=True)
    assert "Thank you for telling us" in page.text
    with database.read() as connection:
        rows = connection.execute(sa.select(table_of(HelpVerdictRow))).all()
    assert [(row.answer, row.helpful) for row in rows] == [("refund--when", False)]


def given_link(database: Database, settings: Settings) -> str:
    with database.write() as connection:
        builder = Builder(connection)
        case = builder.conversation()
        message = builder.message(case, text="how long")
        row = {
            "id": new_id(),
            "conversation_id": case,
            "message_id": message,
            "channel": "support-mail",
            "state": "answered",
            "answer": "refund--when",
            "asked_at": NOON,
            "due_at": NOON,
            "decided_at": NOON,
        }
        insert_rows(connection, AutoAnswerRow, rows=[row])
    key = case_key(desk_key(settings, purpose="thread tokens"))
    link = CaseLink(LinkKind.ANSWER, row["id"], datetime.now(UTC) + timedelta(days=300))
    return f"/answer/{write_case_token(key, link)}"


def test_both_ways_out_work_by_one_press_each_and_a_person_is_queued_by_the_press(
    visitor: AppClient, database: Database, settings: Settings
) -> None:
    path = given_link(database, settings)
    assert "When does it arrive?" in visitor.get(path).text

    def status() -> tuple[str, str]:
        with database.read() as connection:
            case = connection.execute(sa.select(table_of(ConversationRow).c.status)).scalar_one()
            verdict = connection.execute(sa.select(table_of(AutoAnswerRow).c.verdict)).scalar_one()
        return case, verdict

    visitor.post(path, data={"verdict": "fits"}, headers=ORIGIN)
    assert status() == ("pending", "fits")
    page = visitor.post(path, data={"verdict": "person"}, headers=ORIGIN, follow_redirects=True).text
    # It is back in its queue before the press is answered.
    assert status() == ("open", "person")
    assert "A person will read your message" in page
    assert visitor.get("/answer/forged").status_code == 404
    assert not re.search("how long", page)

"""The customers' pages: a message is stored once, a case's page shows only its state, and the help finds answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI, Request

from api.customer.phrases import WORDS
from api.customer.visitor_pages import visitor_address
from router.conversation_status import Status
from router.settings import Settings, read_settings
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.case_records import RatingRow
from store.tables.messages import AttachmentRow, ConversationRow, InboundRow, MessageRow
from tests.api.conftest import TOML, MovingClock, settings_in
from tests.app_client import AppClient, started
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

FORM = """
[channels.form]
kind = "web"
files = 2
largest = 1000
per_hour = 3
"""
SECRET = "the purple elephant"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    text = TOML.format(data=tmp_path / "data", more=FORM, rate=0)
    return read_settings(text.replace("[categories.refund]", '[categories.refund]\nkeywords = ["退款"]'))


@pytest.fixture
def visitor(app: FastAPI, portal: BlockingPortal) -> Iterator[AppClient]:
    with AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"}) as client:
        yield client


def fill(visitor: AppClient, clock: MovingClock, **values: str) -> dict[str, str]:
    page = visitor.get("/contact").text
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    clock.move(timedelta(seconds=5))
    return {"form": token[1], "email": "Li@Example.com", "name": "Li", "message": SECRET, "website": ""} | values


def test_the_contact_page_says_nothing_of_answers_before_anything_is_written(
    visitor: AppClient, clock: MovingClock
) -> None:
    for language, said in (("en", "No answer fits yet"), ("zh-CN", "暂无对应的答案")):
        visitor.headers["Accept-Language"] = language
        assert said not in visitor.get("/contact").text
        refused = send(visitor, fill(visitor, clock, email="none", message="zebra crossing"))
        assert said in refused.text


def send(visitor: AppClient, fields: dict[str, str], *files: tuple[str, bytes], **more: Any) -> httpx.Response:
    parts: Any = [("files", file) for file in files] or [("files", ("", b""))]
    headers = {"Sec-Fetch-Site": "same-origin"} | more
    return visitor.post("/contact", data=fields, files=parts, headers=headers)


def rows(database: Database, model: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(model))))


def route(database: Database, settings: Settings) -> None:
    MessageRouter(database, build_brain(settings)).route_oldest()


def test_a_visitors_message_becomes_one_conversation_and_its_link_shows_states_only(
    visitor: AppClient, client: AppClient, clock: MovingClock, database: Database, settings: Settings
) -> None:
    # Given a form that is sent twice, with a file
    fields = fill(visitor, clock, topic="refund")
    answers = [send(visitor, fields, ("../../回单.png", b"\x89PNG\r\n\x1a\n...")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    where = re.search(r'href="(/case/[^"]+)"', answers[0].text)
    assert where
    assert "Received, being sorted" in visitor.get(where[1]).text
    # When it is routed
    route(database, settings)
    # Then there is one conversation of the visitor's, with the file under a safe name
    (case,) = rows(database, ConversationRow)
    (message,) = rows(database, MessageRow)
    assert (message.sender_handle, message.sender_name, message.text) == ("li@example.com", "Li", SECRET)
    assert (case.channel, case.subject) == ("form", "Refund")
    assert [(file.name, file.media_type) for file in rows(database, AttachmentRow)] == [("回单.png", "image/png")]
    # And its page shows the state, in the visitor's language, and none of the message's words
    page = visitor.get(where[1])
    assert "Waiting for an agent" in page.text
    assert case.reference in page.text
    assert SECRET not in page.text
    assert "等待客服处理" in visitor.get(where[1], headers={"Accept-Language": "zh-CN"}).text
    for status, words in (("pending", "We have answered"), ("resolved", "Closed")):
        with database.write() as connection:
            connection.execute(sa.update(table_of(ConversationRow)).values(status=status))
        assert words in visitor.get(where[1]).text
    # And a closed case is rated once, in the link's own page
    rating = f"{where[1]}/rating"
    ours = {"Sec-Fetch-Site": "same-origin"}
    with database.write() as connection:
        change_status(connection, conversation_id=case.id, status=Status.OPEN, at=clock())
        change_status(connection, conversation_id=case.id, status=Status.RESOLVED, at=clock())
    assert "How did we do?" in visitor.get(where[1]).text
    assert visitor.post(rating, data={"score": "6"}, headers=ours).status_code == 422
    assert visitor.post(rating, data={"score": "4"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for score in ("4", "1"):
        said = {"score": score, "word": "my card is 4111 1111 1111 1111"}
        assert visitor.post(rating, data=said, headers=ours).status_code == 303
    assert "You gave 4 of 5" in visitor.get(where[1]).text
    assert [(row.score, "4111 1111" in row.word) for row in rows(database, RatingRow)] == [(4, False)]
    listed = client.get("/api/v1/ratings").json()
    assert [(each["reference"], each["score"]) for each in listed["ratings"]] == [(case.reference, 4)]
    # And the link cannot be guessed, and it expires
    token = where[1].removeprefix("/case/")
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-2], "x" * 50, "%00", token + "="):
        assert visitor.get(f"/case/{wrong}").status_code == 404
    clock.move(timedelta(days=61))
    assert visitor.get(where[1]).status_code == 404


@pytest.mark.parametrize(
    ("change", "files", "status", "says"),
    [
        ({"email": "no-address"}, [], 422, "enter a mail address"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, [], 422, "enter a mail address"),
        ({"message": " x "}, [], 422, "between 2 and"),
        ({"message": "x" * 20_001}, [], 422, "between 2 and"),
        ({}, [("a", b"1"), ("b", b"2"), ("c", b"3")], 422, "too many files"),
        ({}, [("a", b"1" * 1001)], 422, "too many files"),
        ({"form": "1.x.y"}, [], 422, "was open for too long"),
        ({"website": "https://spam.example"}, [], 303, ""),
    ],
)
def test_invalid_forms_are_refused_and_not_stored(
    visitor: AppClient,
    clock: MovingClock,
    database: Database,
    change: dict[str, str],
    files: list[Any],
    status: int,
    says: str,
) -> None:
    answer = send(visitor, fill(visitor, clock) | change, *files)
    assert answer.status_code == status
    assert says in answer.text
    assert rows(database, InboundRow) == []


def test_forms_of_other_sites_programs_and_too_many_are_refused(
    visitor: AppClient, clock: MovingClock, database: Database
) -> None:
    assert send(visitor, fill(visitor, clock), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    page = visitor.get("/contact").text
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    quick = {"form": token[1], "email": "a@b.example", "message": "hello"}
    refused = send(visitor, quick, ("a", b"1"))
    assert refused.status_code == 422
    # It says which of the two it was, and keeps what was typed; files have to be chosen again.
    assert "within two seconds" in refused.text
    assert ">hello</textarea>" in refused.text
    assert "choose your files again" in refused.text
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\n\r\n--x--", b"--x" * 100, b"--x\r\nA: " + b"b" * 9000 + b"\r\n\r\n\r\n--x--"):
        assert visitor.post("/contact", content=body, headers=headers).status_code in {400, 422}
    assert visitor.post("/contact", content=b"x" * 400_000, headers=headers).status_code == 413
    answers = [send(visitor, fill(visitor, clock, message=f"number {number}")) for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert len(rows(database, InboundRow)) == 3


def test_help_has_answers_in_both_languages_and_suggests_those_that_fit(visitor: AppClient) -> None:
    english, chinese = (visitor.get("/help", headers={"Accept-Language": tag}).text for tag in ("en", "zh"))
    assert english.count('class="answer"') == chinese.count('class="answer"') >= 5
    assert "When does my refund arrive?" in english
    assert "退款什么时候到账" in chinese
    ours = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "zh"}
    asked = "我的退款还没到账"
    assert "退款什么时候到账" in visitor.post("/help/suggest", data={"text": asked}, headers=ours).text
    assert visitor.post("/help", data={"question": asked}, headers=ours).text.count("退款什么时候到账") == 2
    page = visitor.post("/help", data={"question": '"><script>x</script>'}, headers=ours).text
    assert page.count("<script") == 1


@pytest.mark.parametrize(
    ("hint", "language", "said"),
    [
        ("", "en", "with the number of the order"),
        ("", "zh", "如有订单号"),
        (
            'hint = { en = "A photo of the bread helps.", zh = "请附上面包的照片。" }\n',
            "en",
            "A photo of the bread helps.",
        ),
        ('hint = { en = "A photo of the bread helps.", zh = "请附上面包的照片。" }\n', "zh", "请附上面包的照片。"),
    ],
)
def test_the_hint_below_the_message_is_the_operators_or_general(
    hint: str, language: str, said: str, tmp_path: Path, database: Database, portal: BlockingPortal, clock: MovingClock
) -> None:
    from api.app import create_app  # noqa: PLC0415

    own = read_settings(TOML.format(data=tmp_path / "data", more=FORM + hint, rate=0))
    with started(create_app(own, database=database, now=clock), portal) as app:
        text = AppClient(app, portal).get("/contact", headers={"Accept-Language": language}).text
    assert said in text
    assert "transaction number" not in text


def test_a_desk_without_a_form_shows_none(
    tmp_path: Path, database: Database, portal: BlockingPortal, clock: MovingClock
) -> None:
    from api.app import create_app  # noqa: PLC0415

    with started(create_app(settings_in(tmp_path), database=database, now=clock), portal) as app:
        client = AppClient(app, portal)
        assert client.get("/contact").status_code == 404
        assert client.get("/help").status_code == 200


def test_every_phrase_has_two_languages() -> None:
    for key, (english, chinese) in WORDS.items():
        fields = [sorted(re.findall(r"{(\w+)}", text)) for text in (english, chinese)]
        assert english, key
        assert re.search(r"[\u4e00-\u9fff]", chinese), key
        assert fields[0] == fields[1], key


@pytest.mark.parametrize(
    ("peers", "visitors"),
    [
        (("2001:db8::1", "2001:db8::2:3", "2001:db8:0:0:ffff::"), 1),
        (("2001:db8::1", "2001:db8:0:1::1"), 2),
        (("203.0.113.7", "203.0.113.8"), 2),
        (("203.0.113.7", "::ffff:203.0.113.7"), 1),
    ],
)
def test_an_ipv6_household_is_one_visitor(peers, visitors):
    requests = [Request({"type": "http", "client": (peer, 1)}) for peer in peers]
    assert len({visitor_address(request) for request in requests}) == visitors

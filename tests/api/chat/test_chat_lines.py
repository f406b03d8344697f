"""A visitor's line is stored once, however often it is sent, and its numbers have no gaps."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.chat import ChatLineRow, ChatSessionRow
from store.tables.messages import AttachmentRow, ConversationRow, InboundRow, MessageRow
from tests.api.chat.conftest import SAME, ChatVisitor, Hands


def count(database: Database, model: type) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table_of(model))).scalar_one()


def test_one_client_id_sent_50_times_is_one_line_with_50_equal_answers(
    visitor: ChatVisitor, database: Database, hands: Hands
) -> None:
    visitor.begin()
    name = str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: visitor.write("my refund is late", client_id=name), range(20)))
    hands.work()
    taken = {answer.text for answer in answers if answer.status_code == 200}
    assert len(taken) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert [count(database, model) for model in (InboundRow, ChatLineRow, ConversationRow)] == [1, 1, 1]


def test_lines_are_numbered_from_1_and_read_after_a_number(visitor: ChatVisitor, hands: Hands) -> None:
    visitor.begin()
    for text in ("one", "two", "three"):
        assert visitor.write(text).status_code == 200
    hands.work()
    assert [line["seq"] for line in visitor.lines()] == [1, 2, 3]
    assert [line["text"] for line in visitor.lines(after=2)] == ["three"]


def test_the_lines_of_a_chat_are_one_conversation_of_one_contact(
    visitors: Callable[..., ChatVisitor], database: Database, hands: Hands
) -> None:
    first, second = visitors(), visitors()
    for each in (first, second):
        each.begin()
        each.write("hello")
        hands.work()
        each.write("are you there?")
    hands.work()
    assert (count(database, ConversationRow), count(database, MessageRow)) == (2, 4)
    assert len(first.lines()) == 2


def test_the_plain_form_works_without_a_script(visitor: ChatVisitor, hands: Hands) -> None:
    page = visitor.client.get("/chat/site")
    assert page.status_code == 200
    assert 'action="/chat/site/send"' in page.text
    sent = visitor.client.post(
        "/chat/site/send",
        data={"client_id": "0" * 32, "text": "Where is <b>my</b> money?"},
        files={"files": b""},
        headers=SAME,
    )
    assert (sent.status_code, sent.headers["location"]) == (303, "/chat/site")
    hands.work()
    again = visitor.client.get("/chat/site")
    assert "Where is &lt;b&gt;my&lt;/b&gt; money?" in again.text
    assert visitor.client.get("/chat/site/lines").json()["lines"][0]["seq"] == 1


def test_a_page_of_another_site_cannot_write(visitor: ChatVisitor) -> None:
    visitor.begin()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = visitor.client.post("/chat/site/lines", json={"client_id": "12345678", "text": "x"}, headers=headers)
        assert answer.status_code == 403


def test_an_app_keeps_its_secret_itself(visitors: Callable[..., ChatVisitor]) -> None:
    app = visitors()
    secret = app.begin(in_header=True)["secret"]
    assert app.client.cookies == {}
    app.client.headers["Authorization"] = f"Bearer {secret}"
    answer = app.client.post("/chat/site/lines", json={"client_id": "12345678", "text": "from the app"})
    assert answer.json()["seq"] == 1
    # The secret of one chat opens no other.
    assert app.client.get("/chat/other-site/lines").status_code == 401


def test_the_secret_is_stored_as_a_hash(visitor: ChatVisitor, database: Database) -> None:
    visitor.begin()
    (secret,) = visitor.client.cookies.values()
    with database.read() as connection:
        rows = connection.execute(sa.select(table_of(ChatSessionRow))).all()
    assert secret not in str(rows)


def test_guessed_secrets_open_nothing_and_are_refused_from_the_61st_a_minute(visitor: ChatVisitor) -> None:
    headers = [{"Authorization": f"Bearer {number:043}"} for number in range(62)]
    answers = [visitor.client.get("/chat/site/lines", headers=each).status_code for each in headers]
    assert answers == [401] * 60 + [429] * 2


def test_the_21st_message_of_a_minute_is_refused_and_20_people_behind_one_address_can_begin(
    visitors: Callable[..., ChatVisitor],
) -> None:
    crowd = [visitors() for _ in range(20)]
    assert all(each.begin()["state"]["known"] for each in crowd)
    answers = [crowd[0].write(f"line {number}") for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert visitors().post("session").status_code == 429


def test_what_is_typed_is_masked_and_the_writer_learns_it(
    visitor: ChatVisitor, database: Database, hands: Hands
) -> None:
    visitor.begin()
    answer = visitor.write("my card is 4111 1111 1111 1111, what now?").json()
    hands.work()
    assert answer["masked"]
    assert "4111 1111 1111 1111" not in answer["text"]
    with database.read() as connection:
        stored = (
            connection.execute(sa.select(table_of(ChatLineRow))).all(),
            connection.execute(sa.select(table_of(MessageRow))).all(),
        )
    assert "4111 1111 1111 1111" not in str(stored)


def test_names_of_people_and_files_are_masked_too(visitor: ChatVisitor) -> None:
    assert "4111" not in str(visitor.begin(name="4111 1111 1111 1111")["state"])
    form = {"client_id": "3" * 32, "text": "look"}
    files = [("files", ("card 4111 1111 1111 1111.png", b"\x89PNG\r\n\x1a\n"))]
    visitor.client.post("/chat/site/send", data=form, files=files, headers=SAME)
    assert "4111 1111" not in str(visitor.lines())


def test_markup_overrides_and_towers_of_marks_are_text(visitor: ChatVisitor) -> None:
    visitor.begin()
    shown = visitor.write("<b>x</b> \u202eevil a" + "\u0301" * 500).json()["text"]
    assert "<b>x</b>" in shown
    assert "\u202e" not in shown
    assert shown.count("\u0301") <= 6


def test_the_loader_and_the_frame_are_small(visitor: ChatVisitor) -> None:
    def weight(path: str) -> int:
        return len(gzip.compress(visitor.client.get(path).content, 9))

    loader = visitor.client.get("/chat/site/loader.js")
    assert weight("/chat/site/loader.js") <= 4096
    assert "set-cookie" not in loader.headers
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"
    page = visitor.client.get("/chat/site/frame").text
    parts = re.findall(r'(?:src|href)="(/static/chat\.(?:js|css))"', page)
    assert len(parts) == 2
    assert weight("/chat/site/frame") + sum(map(weight, parts)) <= 30_000


def test_only_the_named_sites_may_frame_it_and_no_other_page_may_be_framed(visitor: ChatVisitor) -> None:
    allowed = [
        re.search("frame-ancestors (.*)", visitor.client.get(f"/chat/{path}").headers["content-security-policy"])
        for path in ("site/frame", "site", "other-site/frame")
    ]
    assert [found and found[1] for found in allowed] == ["https://www.wallet.example", "'none'", "'none'"]


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 50)], 303),
        ([("big.png", b"0" * 100_001)], 422),
        ([("a", b"1"), ("b", b"2"), ("c", b"3")], 422),
        # Kept as downloads: agents' pages show pictures by their bytes alone.
        ([("a.png.exe", b"MZ"), ("x.svg", b"<svg><script>alert(1)</script></svg>")], 303),
    ],
)
def test_files_have_limits_and_a_type_by_their_bytes(
    files: list[tuple[str, bytes]], status: int, visitor: ChatVisitor, hands: Hands, database: Database
) -> None:
    visitor.begin()
    sent = visitor.client.post(
        "/chat/site/send",
        data={"client_id": "2" * 32, "text": ""},
        files=[("files", (name, content)) for name, content in files],
        headers=SAME,
    )
    assert sent.status_code == status
    hands.work()
    with database.read() as connection:
        table = table_of(AttachmentRow)
        kinds = connection.execute(sa.select(table.c.media_type)).scalars().all()
    assert set(kinds) <= {"image/png", "application/octet-stream"}
    assert len(kinds) == (len(files) if status == 303 else 0)


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\u202e\u200b"], ids=["empty", "blank", "null", "invisible"])
def test_a_line_that_shows_nothing_opens_no_case(
    visitor: ChatVisitor, database: Database, hands: Hands, text: str
) -> None:
    visitor.begin()
    assert visitor.write(text).status_code == 422
    hands.work()
    assert count(database, ConversationRow) == 0

"""Pictures of a mail in their places on its page: real bytes, real routing, the frame as a browser gets it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.pages.pictures import fetch_picture, picture_type, with_pictures, with_remote_pictures
from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from connectors.originals import pack
from router.envelope import to_json
from router.settings import Settings
from store.conversations.messages import AttachmentRecord
from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.accept import InboundMessage, accept
from store.tables.messages import AttachmentRow, ConversationRow, MessageRow
from tests.app_client import AppClient
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUg==")
GIF = b"GIF89a\x01\x00\x01\x00"
HEAD = (
    "From: Li Lei <li@example.com>\r\nTo: support@wallet.example\r\nSubject: picture\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/related; boundary="edge"\r\n\r\n--edge\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
)


def part(content: bytes, *, kind: str = "image/png", more: str = "Content-ID: <p1@x>\r\n") -> str:
    text = base64.b64encode(content).decode()
    return f"\r\n--edge\r\nContent-Type: {kind}\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n{text}\r\n"


def mail(page: str, *parts: str) -> bytes:
    return (HEAD + page + "".join(parts) + "\r\n--edge--\r\n").encode()


def frame_of(client: AppClient, database: Database, settings: Settings, content: bytes) -> Any:
    raw = RawMessage(source_key="1:1", content=content, received_at=datetime.now(UTC))
    envelope = normalise(raw, channel="support-mail")
    message = InboundMessage(
        source_key="1:1",
        envelope=to_json(envelope).decode(),
        original=pack(content),
        size=len(content),
        weight=len(content),
        content_hash=hashlib.sha256(content).digest(),
        received_at=raw.received_at,
    )
    with database.write() as connection:
        accept(connection, channel="support-mail", deliveries=[message], backfill=False)
    assert MessageRouter(database, build_brain(settings)).route_oldest() == 1
    with database.read() as connection:
        message_id = connection.execute(sa.select(table_of(MessageRow).c.id)).scalar_one()
    answer = client.get(f"/messages/{message_id}/frame")
    assert answer.status_code == 200
    return answer


DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


# Without a name, with an escaped id, as `data:` in the page, and one whose label lies about a real picture.
@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (mail('<p>see <img src="cid:p1@x"> there</p>', part(PNG)), DATA),
        (mail('<img src="cid:p%201@x">', part(PNG, more="Content-ID: <p 1@x>\r\n")), DATA),
        (mail(f'<p>see <img alt="a" src="{DATA}"></p>'), DATA),
        (mail('<img src="cid:p1@x">', part(GIF)), "data:image/gif;base64," + base64.b64encode(GIF).decode()),
    ],
)
def test_a_picture_is_shown_in_its_place(
    browser: AppClient, database: Database, settings: Settings, content: bytes, shown: str
) -> None:
    answer = frame_of(browser, database, settings, content)

    assert f'src="{shown}"' in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# No picture of pixels, whatever its label says; from elsewhere; and of no part of this mail.
@pytest.mark.parametrize(
    "content",
    [
        mail('<img src="cid:p1@x">', part(b"<svg onload='alert(1)'/>", kind="image/svg+xml")),
        mail('<img src="cid:p1@x">', part(b"<html><script>alert(1)</script>", kind="image/png")),
        mail('<img src="https://thief.example/pixel.png">', part(PNG)),
        mail('<img src="cid:other@x">', part(PNG)),
        mail('<img src="data:image/svg+xml;base64,PHN2Zy8+">'),
    ],
)
def test_nothing_else_is_shown(browser: AppClient, database: Database, settings: Settings, content: bytes) -> None:
    answer = frame_of(browser, database, settings, content)

    assert "src=" not in answer.text
    assert "thief" not in answer.text


def test_who_may_not_read_files_sees_no_picture(
    client_of: Callable[[str], AppClient], database: Database, settings: Settings
) -> None:
    answer = frame_of(client_of("viewer"), database, settings, mail('<img src="cid:p1@x">', part(PNG)))

    assert "src=" not in answer.text


REMOTE = '<p>hi <img alt="a" src="https://shop.example/logo.png?id=1&amp;x=2"> there</p>'


def test_pictures_from_elsewhere_wait_until_an_agent_asks(
    browser: AppClient, database: Database, settings: Settings
) -> None:
    answer = frame_of(browser, database, settings, mail(REMOTE))
    assert "shop.example" not in answer.text
    with database.read() as connection:
        row = connection.execute(sa.select(table_of(MessageRow).c.id, table_of(MessageRow).c.html)).one()
        reference = connection.execute(sa.select(table_of(ConversationRow).c.reference)).scalar_one()
    address = f"/conversations/{reference}"
    assert f"pictures={row.id}" in browser.get(address).text
    assert f"/messages/{row.id}/frame?remote=1" in browser.get(f"{address}?pictures={row.id}").text
    # What the desk fetches stands in the page itself, and the page still loads nothing.
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return PNG

    shown = with_remote_pictures(row.html, fetched=fetch)
    assert f'src="{DATA}"' in shown
    assert "shop.example" not in shown
    assert asked == ["https://shop.example/logo.png?id=1&x=2"]
    assert "src=" not in with_remote_pictures(row.html, fetched=lambda _: b"<svg/>")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x.png",
        "http://[::1]/x.png",
        "http://10.0.0.1/x.png",
        "file:///etc/passwd",
        "http://u:p@a.example/",
    ],
)
def test_no_picture_is_fetched_from_our_own_networks(address: str) -> None:
    page = f'<img alt="a" data-remote="{address}">'
    assert with_remote_pictures(page, fetched=fetch_picture) == '<img alt="a" >'


def test_a_picture_is_shown_as_its_bytes_say(browser: AppClient, database: Database, settings: Settings) -> None:
    frame_of(browser, database, settings, mail("<p>see</p>", part(PNG), part(b"<svg/>", more="")))
    with database.read() as connection:
        ids = connection.execute(
            sa.select(table_of(AttachmentRow).c.id).order_by(table_of(AttachmentRow).c.part)
        ).scalars()
        first, second = (f"/attachments/{each}/picture" for each in ids)
    shown = browser.get(first)
    assert (shown.status_code, shown.headers["Content-Type"], shown.content) == (200, "image/png", PNG)
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert browser.get(second).status_code == 404


def file(content_id: str, *, size: int = 10) -> AttachmentRecord:
    return AttachmentRecord(
        id=UUID(int=1), message_id=UUID(int=2), name="p.png", media_type="image/png", size=size, sha256="", part=1,
        content_id=content_id,
    )  # fmt: skip


def test_a_page_that_repeats_a_picture_does_not_grow_without_end() -> None:
    page = '<img data-cid="p">' * 2_000
    large = PNG + bytes(1024 * 1024)

    assert len(with_pictures(page, files=[file("p")], read=lambda _: large)) < 20 * 1024 * 1024
    assert with_pictures(page, files=[file("p", size=2**40)], read=lambda _: large) == page


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"), (b"<svg/>", "")],
)  # fmt: skip
def test_bytes_say_what_a_picture_is(content: bytes, kind: str) -> None:
    assert picture_type(content) == kind


@pytest.mark.parametrize(("content", "status"), [(b"%PDF-1.7\nreceipt", 200), (b"<html><script>steal()</script>", 404)])
def test_a_pdf_is_previewed_without_rights_and_nothing_else_is(
    client_of: Callable[[str], AppClient], database: Database, settings: Settings, content: bytes, status: int
) -> None:
    client = client_of("agent")
    pdf = part(content, kind="application/pdf; name=receipt.pdf", more="Content-Disposition: attachment\r\n")
    frame_of(client, database, settings, mail("<p>hello</p>", pdf))
    with database.read() as connection:
        file_id = connection.execute(sa.select(table_of(AttachmentRow).c.id)).scalar_one()
        reference = connection.execute(sa.select(table_of(ConversationRow).c.reference)).scalar_one()
    answer = client.get(f"/attachments/{file_id}/preview")
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"] == "application/pdf"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert f"/attachments/{file_id}/preview" in client.get(f"/conversations/{reference}").text


@pytest.mark.parametrize(("theme", "ground"), [("dark", "#151d1c"), ("light", "#fff")])
def test_a_mail_is_readable_in_the_dark(
    client_of: Callable[[str], AppClient], database: Database, settings: Settings, theme: str, ground: str
) -> None:
    client = client_of("agent")
    client.cookies.set("omniyard_theme", theme)
    html = '<p style="color:#111">plain</p><p style="color:#ff0;background:#006">theirs</p>'
    shown = frame_of(client, database, settings, mail(html)).text
    assert 'style="color:#ff0;background-color:#006"' in shown
    assert shown.rfind(f"html{{background:{ground}") == shown.rfind("html{background:")
    assert ("color:inherit!important" in shown) == (theme == "dark")

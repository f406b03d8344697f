"""The files of agents' answers in the chat: pictures are shown, all else is a download, and only to their visitor."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.api.chat.conftest import SAME, ChatVisitor, Hands
from tests.app_client import AppClient

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 60
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def reference(visitor: ChatVisitor, hands: Hands) -> str:
    visitor.begin()
    visitor.write("where do I find the hash?")
    hands.work()
    return str(visitor.state()["reference"])


def attach(client: AppClient, reference: str, *files: tuple[str, bytes]) -> int:
    sent = [("files", file) for file in files]
    return client.post(f"/conversations/{reference}/files", files=sent, headers=SAME).status_code


def answer(client: AppClient, reference: str) -> None:
    order = {"kind": "reply", "text": "It looks like this.", "ends_draft": True}
    headers = {"Idempotency-Key": uuid4().hex}
    assert client.post(f"/api/v1/conversations/{reference}/messages", json=order, headers=headers).status_code == 201


def test_the_visitor_sees_the_pictures_of_an_answer_and_downloads_its_files(
    visitor: ChatVisitor, visitors: Callable[..., ChatVisitor], reference: str, client: AppClient, hands: Hands
) -> None:
    assert attach(client, reference, ("where.png", PNG), ("a.svg", SVG)) < 400
    answer(client, reference)
    hands.work()
    line = visitor.lines()[-1]
    assert line["files"] == [
        {"name": "where.png", "size": len(PNG), "kept": True, "picture": True},
        {"name": "a.svg", "size": len(SVG), "kept": True, "picture": False},
    ]
    path = f"/chat/site/lines/{line['seq']}/files"
    shown, saved = visitor.client.get(f"{path}/0?show=1"), visitor.client.get(f"{path}/1")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["content-disposition"].startswith("inline")
    # What may hold a script is never shown, whatever is asked
    assert (saved.content, saved.headers["content-type"]) == (SVG, "application/octet-stream")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert visitor.client.get(f"{path}/1?show=1").status_code == 404
    assert f'<img src="{path}/0?show=1" alt="where.png"' in visitor.client.get("/chat/site").text
    # No other visitor gets it
    stranger = visitors()
    stranger.begin()
    assert [stranger.client.get(f"{path}/0").status_code, visitors().client.get(f"{path}/0").status_code] == [404, 401]


def test_the_agents_page_shows_the_picture_too(reference: str, client: AppClient, hands: Hands) -> None:
    attach(client, reference, ("where.png", PNG))
    page = client.get(f"/conversations/{reference}").text
    assert page.count('/picture"') == 2, "a link and a picture in the draft"
    answer(client, reference)
    hands.work()
    path = next(part for part in client.get(f"/conversations/{reference}").text.split('"') if part.endswith("/picture"))
    assert client.get(path).headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "files", [[(f"{number}.png", PNG) for number in range(3)], [("large.bin", b"0" * 100_001)]], ids=["many", "large"]
)
def test_an_answer_has_the_limits_of_the_chat(
    files: list[tuple[str, bytes]], reference: str, client: AppClient
) -> None:
    assert attach(client, reference, *files) == 422

"""Files and originals: always downloads, parsed again from the original, only with permission."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.http.files import disposition, safe_name
from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import Builder, mail_with_file

PDF = b"%PDF-1.7\n"


@pytest.fixture
def attached(database: Database) -> Callable[..., tuple[str, str]]:
    def write(**over: object) -> tuple[str, str]:
        with database.write() as connection:
            build = Builder(connection)
            message_id = build.message(build.conversation(), mail=mail_with_file())
            attachment_id = build.attachment(message_id, **{"part": 2, **over})
        return f"/api/v1/attachments/{attachment_id}", f"/api/v1/messages/{message_id}/original"

    return write


def test_an_attachment_comes_from_the_original_as_a_download(
    client: AppClient, attached: Callable[..., tuple[str, str]]
) -> None:
    file, _ = attached(name="收据 2026.pdf")
    answer = client.get(file)
    assert answer.status_code == 200, answer.text
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"2026.pdf\"; filename*=UTF-8''%E6%94%B6%E6%8D%AE%202026.pdf"
    )


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "x", ""])
def test_a_type_that_a_browser_might_run_is_plain_bytes(
    client: AppClient, attached: Callable[..., tuple[str, str]], media_type: str
) -> None:
    file, _ = attached(media_type=media_type)
    assert client.get(file).headers["content-type"] == "application/octet-stream"


def test_a_part_that_is_not_there_is_a_problem_not_a_fault(
    client: AppClient, attached: Callable[..., tuple[str, str]]
) -> None:
    file, _ = attached(part=99)
    answer = client.get(file)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_original_is_the_bytes_as_they_came(client: AppClient, attached: Callable[..., tuple[str, str]]) -> None:
    _, original = attached()
    answer = client.get(original)
    assert answer.content == mail_with_file()
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].endswith(".eml")


@pytest.mark.parametrize(
    ("role", "status"),
    [("viewer", 403), ("agent", 403), ("supervisor", 403), ("auditor", 403), ("senior", 200), ("admin", 200)],
)
def test_originals_are_for_two_roles(
    client_of: Callable[[str], AppClient], attached: Callable[..., tuple[str, str]], role: str, status: int
) -> None:
    _, original = attached()
    assert client_of(role).get(original).status_code == status


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("receipt.pdf", "receipt.pdf"),
        ("../../etc/passwd", "....etcpasswd"),
        ("a\x00b\u200b\u202ecod.exe", "abcod.exe"),
        ("CON", "file-CON"),
        ("nul.txt", "file-nul.txt"),
        (".htaccess", "htaccess"),
        ("", "file"),
        ("   ", "file"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie x=1"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("收据.pdf", "收据.pdf"),
    ],
)
def test_a_name_is_cleaned_of_what_misleads(name: str, shown: str) -> None:
    assert safe_name(name) == shown.lstrip(".")


def test_a_download_name_survives_old_clients() -> None:
    assert disposition("收据.pdf") == "attachment; filename=\"file.pdf\"; filename*=UTF-8''%E6%94%B6%E6%8D%AE.pdf"
    assert disposition("收据") == "attachment; filename=\"file\"; filename*=UTF-8''%E6%94%B6%E6%8D%AE"
    assert disposition('a"; x="b.txt').startswith('attachment; filename="a x=b.txt"; ')

"""Who a visitor is: only what the operator's server signed, with a new secret each time, and nothing left behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.chat import ChatSessionRow
from store.tables.messages import ContactRow, IdentityRow
from tests.api.chat.conftest import SECRET, ChatVisitor, Hands, token


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "account-7", "aud": "site", "exp": int(time.time()) + 300})
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + "."


def by_public_key() -> str:
    """Return a token that says RS256 and is signed with the shared secret (the confusion of RFC 8725 section 2.1)."""
    head, body = ({"alg": "RS256", "typ": "JWT"}, {"sub": "a", "aud": "site", "exp": int(time.time()) + 300})
    said = ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in (head, body))
    proof = hmac.digest(SECRET.encode(), said.encode(), hashlib.sha256)
    return f"{said}.{base64.urlsafe_b64encode(proof).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(unsigned, id="alg none"),
        pytest.param(by_public_key, id="RS256"),
        pytest.param(lambda: token(exp=None), id="no exp"),
        pytest.param(lambda: token(exp=int(time.time()) + 2 * 3600), id="exp over an hour"),
        pytest.param(lambda: token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(lambda: token(aud="other-site"), id="wrong aud"),
        pytest.param(lambda: token(SECRET[::-1]), id="the other channel's secret"),
        pytest.param(lambda: token(sub=""), id="no account"),
    ],
)
def test_a_token_that_is_not_signed_as_agreed_proves_nothing(
    refused: Callable[[], str], visitor: ChatVisitor, database: Database
) -> None:
    assert visitor.post("identity", token=refused()).status_code == 401
    with database.read() as connection:
        assert connection.execute(sa.select(table_of(ContactRow))).all() == []
        assert connection.execute(sa.select(table_of(ChatSessionRow))).all() == []


def test_a_signed_account_is_an_identity_of_its_own_kind(
    visitor: ChatVisitor, database: Database, hands: Hands
) -> None:
    state = visitor.post("identity", token=token()).json()["state"]
    assert (state["known"], state["proved"], state["name"]) == (True, True, "Wu Min")
    visitor.write("hello")
    hands.work()
    with database.read() as connection:
        (row,) = connection.execute(sa.select(table_of(IdentityRow))).all()
    assert (row.kind, row.handle) == ("account", "site:account-7")


def test_a_typed_mail_address_joins_no_contact_and_shows_no_case(
    visitors: Callable[..., ChatVisitor], database: Database, hands: Hands
) -> None:
    known = visitors()
    known.post("identity", token=token())
    known.write("my case")
    hands.work()
    stranger = visitors()
    state = stranger.begin(email="wu@example.com", name="Wu Min")["state"]
    assert (state["proved"], state["reference"]) == (False, "")
    stranger.write("show me my case")
    hands.work()
    assert [line["text"] for line in stranger.lines()] == ["show me my case"]
    with database.read() as connection:
        assert len(connection.execute(sa.select(table_of(ContactRow))).all()) == 2


def test_a_typed_mail_address_stays_unverified_when_the_server_signs_the_name_alone(
    visitor: ChatVisitor, database: Database
) -> None:
    visitor.begin(email="typed@example.com", name="my card is 4111 1111 1111 1111")
    visitor.post("identity", token=token(email=None))
    table = table_of(ChatSessionRow)
    with database.read() as connection:
        row = connection.execute(sa.select(table.c.name, table.c.email, table.c.proved, table.c.email_proved)).one()
    assert tuple(row) == ("Wu Min", "typed@example.com", True, False)
    # What the server signs replaces it, and nothing typed replaces that
    visitor.post("identity", token=token())
    visitor.post("contact", email="other@example.com")
    assert visitor.state()["email"] == "wu@example.com"


def test_a_planted_session_is_worthless_after_the_sign_in(visitors: Callable[..., ChatVisitor]) -> None:
    # Given a secret that an attacker knows, in the victim's browser
    victim, attacker = visitors(), visitors()
    attacker.begin()
    victim.client.cookies.update(attacker.client.cookies)
    victim.write("planted")
    # When the victim signs in
    assert victim.post("identity", token=token()).status_code == 200
    # Then the planted secret opens nothing, and the victim's new one does
    assert attacker.client.get("/chat/site/lines").status_code == 401
    assert victim.write("mine").json()["seq"] == 2


def test_signing_out_leaves_nothing_to_the_next_one_on_the_same_computer(visitor: ChatVisitor) -> None:
    visitor.post("identity", token=token())
    visitor.write("the first one's words")
    before = dict(visitor.client.cookies)
    assert visitor.post("sign-out").status_code == 204
    assert not visitor.client.cookies
    visitor.client.cookies.update(before)
    assert visitor.client.get("/chat/site/lines").status_code == 401
    visitor.client.cookies.clear()
    visitor.post("identity", token=token(sub="account-8", name="Li", email="li@example.com"))
    assert visitor.lines() == []
    assert "first one" not in visitor.client.get("/chat/site").text


def test_another_account_in_the_same_browser_gets_a_session_of_its_own(visitor: ChatVisitor) -> None:
    visitor.post("identity", token=token())
    visitor.write("of account 7")
    visitor.post("identity", token=token(sub="account-8"))
    assert visitor.lines() == []


def test_the_secret_changes_each_day_and_the_old_one_ends(visitor: ChatVisitor, database: Database) -> None:
    visitor.begin()
    old = dict(visitor.client.cookies)
    table = table_of(ChatSessionRow)
    with database.write() as connection:
        day = sa.update(table).values(rotated_at=sa.literal("2026-01-01 00:00:00.000000"))
        connection.execute(sa.text(str(day.compile(compile_kwargs={"literal_binds": True}))))
    visitor.write("one day later")
    assert dict(visitor.client.cookies) != old
    # Requests that were under way still work for two minutes, then the old secret is worthless.
    fresh = dict(visitor.client.cookies)
    visitor.client.cookies.clear()
    visitor.client.cookies.update(old)
    assert visitor.client.get("/chat/site/lines").status_code == 200
    with database.write() as connection:
        connection.execute(sa.update(table).values(previous_until=None))
    assert visitor.client.get("/chat/site/lines").status_code == 401
    visitor.client.cookies.clear()
    visitor.client.cookies.update(fresh)
    assert len(visitor.lines()) == 1


def test_no_url_log_or_page_has_the_secret(
    visitor: ChatVisitor, capsys: pytest.CaptureFixture[str], hands: Hands
) -> None:
    visitor.begin(email="wu@example.com")
    signed = token()
    visitor.write("hello")
    visitor.post("identity", token=signed)
    visitor.write("again")
    hands.work()
    pages = [visitor.client.get(path).text for path in ("/chat/site", "/chat/site/frame", "/chat/site/state")]
    (secret,) = visitor.client.cookies.values()
    said = capsys.readouterr()
    for hidden in (secret, signed):
        assert hidden not in said.out + said.err
        assert not any(hidden in page for page in pages)
    assert re.search(r"HttpOnly", str(visitor.post("identity", token=token()).headers["set-cookie"]))

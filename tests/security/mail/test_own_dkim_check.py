"""Our own check of DKIM signatures: signed mail by its bytes, keys from a look-up that the tests hold."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.base import Batch, RawMessage
from connectors.email.dkim_check import DkimCheck, open_check
from router.errors import ConfigError
from router.settings import read_settings
from store.db.engine import Database
from store.tables.messages import MessageRow
from tests.desk import RECEIVED_AT, TOML, Desk
from tests.mail_reader import LentReader
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

dkim = pytest.importorskip("dkim", reason="pip install 'omniyard[dkim]', as requirements-dev.lock does")

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
RECORD = b"v=DKIM1; k=rsa; p=" + PUBLIC
NAME = "s1._domainkey.customer.example"
MAIL = (
    b"From: Ann <ann@customer.example>\r\nTo: support@desk.example\r\nSubject: A question\r\n"
    b"Message-ID: <1@customer.example>\r\n\r\nWhere is my money?\r\n"
)


def signed(mail: bytes = MAIL, *, domain: bytes = b"customer.example", **more: object) -> bytes:
    """Return the mail as the domain's server sends it."""
    return bytes(dkim.sign(mail, b"s1", domain, PRIVATE, **more)) + mail


class Keys:
    """A look-up. slow: how many seconds each question takes."""

    def __init__(self, records: dict[str, bytes]) -> None:
        self.records = records
        self.asked: list[tuple[str, float]] = []

    def __call__(self, name: str, seconds: float) -> bytes:
        self.asked.append((name, seconds))
        return self.records.get(name, b"")


class Checking:
    """A desk that checks signatures itself."""

    def __init__(self, database: Database, folder: Path, *, toml: str = TOML) -> None:
        self.desk = Desk(database, folder, toml=toml)
        self.keys = Keys({NAME: RECORD})
        check = DkimCheck(self.desk.settings.believed_authserv_id, look_up=self.keys)
        guard = partial(LentReader, signatures=True)
        self.intake = Intake(database, bell=Bell(lambda: None), new_guard=guard, signatures=check)

    def proof(self, *mails: bytes) -> list[str]:
        raw = [
            RawMessage(source_key=str(place), content=mail, received_at=RECEIVED_AT) for place, mail in enumerate(mails)
        ]
        self.intake.take(Batch(channel="mail", messages=raw))
        self.desk.route()
        rows = sorted(self.desk.rows(MessageRow), key=lambda row: row.id)
        return [row.sender_proof for row in rows]


@pytest.fixture
def checking(database: Database, tmp_path: Path) -> Iterator[Checking]:
    made = Checking(database, tmp_path)
    yield made
    made.intake.close()


def test_a_signature_of_the_senders_domain_proves_the_sender(checking: Checking) -> None:
    assert checking.proof(signed(), MAIL.replace(b"<1@", b"<2@")) == ["proven", "unproven"]
    assert [name for name, _ in checking.keys.asked] == [NAME]
    assert all(0 < seconds <= 2 for _, seconds in checking.keys.asked)
    (message, _) = sorted(checking.desk.rows(MessageRow), key=lambda row: row.id)
    assert message.trace["signals"][0]["why"] == {"key": "domain_signed", "values": {"domain": "customer.example"}}


@pytest.mark.parametrize(
    "mail",
    [
        signed().replace(b"money", b"other"),
        signed().replace(b"From: Ann <ann@", b"From: Bob <bob@"),
        # A second author above the signed one.
        b"From: boss@customer.example\r\n" + signed(),
        # Anybody may add to a body whose length is stated.
        signed(length=True) + b"And send it to this account instead.\r\n",
        signed(length=True),
        # Signed by a domain that does not speak for the sender's.
        signed(domain=b"evil.example"),
        signed(domain=b"mail.customer.example"),
        signed(domain=b"example"),
        b"DKIM-Signature: v=1; d=customer.example; s=s1\r\n" + MAIL,
        b"DKIM-Signature: \r\n" + MAIL,
        b"DKIM-Signature: v=1; a=rsa-sha256; d=customer.example; s=s1; h=from; bh=AA==; b="
        + b"A" * 3000
        + b"\r\n"
        + MAIL,
    ],
    ids=["body", "author", "two authors", "longer", "length", "other", "below", "above", "half", "empty", "rubbish"],
)
def test_another_signature_proves_nothing_and_the_mail_is_taken(checking: Checking, mail: bytes) -> None:
    for domain in ("evil.example", "mail.customer.example", "example"):
        checking.keys.records[f"s1._domainkey.{domain}"] = RECORD
    assert checking.proof(mail) == ["unproven"]
    assert {name for name, _ in checking.keys.asked} <= {NAME}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"v=DKIM1; k=rsa; p=",
        b"v=DKIM1; t=y; k=rsa; p=" + PUBLIC,
        b"rubbish",
        b"v=DKIM1; k=rsa; p=AAAA",
        b"\xff" * 999,
    ],
    ids=["none", "revoked", "trying", "rubbish", "short", "bytes"],
)
def test_a_key_that_is_no_key_proves_nothing(checking: Checking, record: bytes) -> None:
    checking.keys.records[NAME] = record
    assert checking.proof(signed()) == ["unproven"]


def test_a_domain_speaks_for_what_is_below_it(checking: Checking) -> None:
    mail = MAIL.replace(b"ann@customer.example", b"ann@mail.customer.example")
    assert checking.proof(signed(mail)) == ["proven"]


def test_no_batch_asks_dns_for_longer_than_its_limit(checking: Checking, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("connectors.email.dkim_check.time.monotonic", lambda: now[0])

    def slow(name: str, seconds: float) -> bytes:
        now[0] += seconds
        checking.keys.asked.append((name, seconds))
        return b""

    checking.intake._signatures = DkimCheck(lambda _: None, look_up=slow)
    mails = [signed(MAIL.replace(b"<1@", b"<%d@" % number)) for number in range(12)]
    assert checking.proof(*mails) == ["unproven"] * 12
    assert now[0] <= 6


def test_what_our_server_says_is_not_checked_again(database: Database, tmp_path: Path) -> None:
    toml = TOML.replace("[omniyard]", '[omniyard]\nauthserv_id = "mx.desk.example"')
    desk = Checking(database, tmp_path, toml=toml)
    failed = b"Authentication-Results: mx.desk.example; dmarc=fail\r\n" + signed()
    silent = b"Authentication-Results: mx.evil.example; dmarc=fail\r\n" + signed(MAIL.replace(b"<1@", b"<2@"))
    assert desk.proof(failed, silent) == ["failed", "proven"]
    assert len(desk.keys.asked) == 1
    desk.intake.close()


def test_a_mail_of_blanks_costs_nothing(checking: Checking) -> None:
    assert checking.proof(signed(MAIL + b" " * 1_000_000 + b"x\r\n")) == ["unproven"]
    assert checking.keys.asked == []


def test_it_is_off_by_default_and_wants_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TOML.format(data=tmp_path)
    assert open_check(read_settings(text)) is None
    wanted = read_settings(text.replace("[omniyard]", "[omniyard]\ncheck_dkim = true"))
    assert open_check(wanted) is not None
    monkeypatch.setattr("connectors.email.dkim_check.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"omniyard\[dkim\]"):
        open_check(wanted)

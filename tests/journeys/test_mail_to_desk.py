"""From the bytes of a mail to what an agent gets from the API, with hostile mail in the stream, on both databases."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from benchmarks.hostile.mails import NAMES, hostile_mail
from benchmarks.mailbox import make_mailbox
from benchmarks.rig import CHANNEL, USER, Rig, is_drained, running_rig, submit, wait_until
from store.desk.agents import add_agent
from tests.servers.postgres import find_binaries

PARTS = {"connectors": "connectors", "worker": "workers", "web": "api"}
# The hostile mails delay no healthy one; a busy machine needs more than the minute.
LONGEST_WAIT_SECONDS = 120
# Among its mails is one about a password with a file.
SEED = 7


@pytest.fixture(params=["sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "postgresql" and find_binaries() is None:
        pytest.skip("PostgreSQL is not installed (tests/install-machine-parts.sh installs it)")
    with running_rig(request.param, page=20) as running:
        running.start_from_the_first_mail()
        running.start_broker()
        for name, module in PARTS.items():
            running.start(name, module)
        yield running


class Client:
    """Calls the API like a tool."""

    def __init__(self, rig: Rig, *, role: str) -> None:
        with rig.database.write() as connection:
            _, token = add_agent(connection, name=f"a {role}", role=role)
        self._base, self._headers = f"http://127.0.0.1:{rig.web_port}", {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self._base + path, headers=self._headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    def rows(self, path: str, name: str) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        while cursor is not None:
            page = json.loads(self.get(f"{path}?limit=50&cursor={cursor}" if cursor else f"{path}?limit=50"))
            yield from page[name]
            cursor = page["next_cursor"]


def sent(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.timeout(300)
def test_every_mail_comes_out_at_the_desk_and_no_hostile_one_holds_another_up(rig: Rig) -> None:
    # Given a mailbox where hostile mail lies between healthy mail, and a mail server that hands over one more
    mailbox = make_mailbox(messages=100, seed=SEED, redeliveries=0, file_bytes=5_000)
    # A hostile mail harms its reader before any database is used: one round of them is enough.
    hostile = [hostile_mail(name) for name in NAMES] if rig.postgres is None else []
    mixed = [mail for pair in zip(mailbox.mails, hostile, strict=False) for mail in pair]
    mixed += mailbox.mails[len(hostile) :]
    rig.mail.deliver(USER, mixed)
    submit(rig, b"From: Wei <wei@example.cn>\r\nSubject: =?utf-8?b?6YCA5qy+?=\r\n\r\nRefund please.\r\n")

    # When all has come in
    wait_until(lambda: is_drained(rig, len(mixed) + 1), seconds=LONGEST_WAIT_SECONDS, every=0.2)
    wait_until(rig.is_serving, seconds=LONGEST_WAIT_SECONDS, every=0.2)

    # Then every healthy mail is in the inbox once, and every hostile one there or in the quarantine
    agent, senior = Client(rig, role="agent"), Client(rig, role="senior")
    listed = [row["reference"] for row in agent.rows("/api/v1/conversations", "conversations")]
    opened = [json.loads(agent.get(f"/api/v1/conversations/{reference}")) for reference in listed]
    entries = [entry for conversation in opened for entry in conversation["entries"]]
    ids = [entry["rfc_message_id"] for entry in entries]
    expected = [mail["Message-ID"].strip("<>") for mail in map(sent, mailbox.mails)]
    assert sorted(id_ for id_ in ids if id_ in set(expected)) == sorted(expected)
    assert "退款" in {conversation["subject"] for conversation in opened}
    stubs = list(senior.rows("/api/v1/quarantine", "messages"))
    assert len(entries) + len(stubs) == len(mixed) + 1
    assert all(stub["reason"] for stub in stubs)

    # And what the agent opens is what was sent, with the reason why it is there
    with_file = next(
        mail for mail in map(sent, mailbox.mails) if "password" in mail["Subject"] and any(mail.iter_attachments())
    )
    shown = next(each for each in opened if each["subject"] == with_file["Subject"])
    # A generated mail mixes topics: what it is about decides its team.
    team = {"password_reset": "front-line", "refund": "payments"}
    assert (team.get(shown["category"]), shown["channel"]) == (shown["team"], CHANNEL)
    assert shown["entries"][0]["why"]
    (attached,), (file,) = list(with_file.iter_attachments()), shown["entries"][0]["attachments"]
    assert agent.get(f"/api/v1/attachments/{file['id']}") == attached.get_content()

    # And no process died of it
    assert [name for name, process in rig.processes.items() if process.poll() is not None] == []

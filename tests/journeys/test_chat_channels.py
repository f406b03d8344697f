"""Customers write by SMS, X and Telegram to a desk of real processes; agents answer; processes are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import telegram as telegrams
from tests.fakes import twilio as twilios
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import NUMBER, FakeTwilio
from tests.fakes.x import KEYS, OWN, FakeX
from tests.servers.ports import free_port

_SECONDS = 150
_CONFIG = """
[omniyard]
listen = "127.0.0.1:{web}"
data = "{data}"

[channels.sms]
kind = "twilio"
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "{number}"
poll = "1s"
api_base = "{twilio}"

[channels.x]
kind = "x"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
poll = "1s"
api_base = "{x}"

[channels.telegram]
kind = "telegram"
token = "env:BOT_TOKEN"
poll = "5s"
api_base = "{telegram}"

[[routes]]
name = "everything"
team = "front-line"
"""


@pytest.fixture
def fakes() -> Iterator[tuple[FakeTwilio, FakeX, FakeTelegram]]:
    made = FakeTwilio(), FakeX(), FakeTelegram()
    # The limit of fifteen lookups in a quarter of an hour would make this journey long.
    made[1].remaining = 100_000
    yield made
    for fake in made:
        fake.stop()
        assert fake.contract is None or fake.contract.violations == []


class _Desk:
    """A running `omniyard up`."""

    def __init__(self, folder: Path, fakes: tuple[FakeTwilio, FakeX, FakeTelegram]) -> None:
        twilio, x, telegram = fakes
        self.web = free_port()
        file, self._log, self._all = folder / "channels.toml", folder / "log", folder / "var" / "desk.log"
        bases = {"twilio": twilio.base, "x": x.base, "telegram": telegram.base}
        file.write_text(_CONFIG.format(web=self.web, data=folder / "var", number=NUMBER, **bases))
        secrets = {"TWILIO_SID": twilios.ACCOUNT, "TWILIO_TOKEN": twilios.TOKEN, "BOT_TOKEN": telegrams.TOKEN, **KEYS}
        with self._log.open("w") as log:
            command = [sys.executable, "-m", "cli", "up", "--config", str(file)]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "COLUMNS": "200", **secrets}
            )
        self.wait_for(lambda: "Ctrl-C" in self.log and re.search(r"oy_\w+\n", self.log))
        self.token = re.search(r"oy_\w+", self.log)[0]

    @property
    def log(self) -> str:
        """What the terminal shows, and then what the desk's own log has."""
        # Whole lines: what is being written now may end within a word, or within a character.
        files = [file.read_bytes() for file in (self._log, self._all) if file.exists()]
        return b"".join(said[: said.rfind(b"\n") + 1] for said in files).decode()

    def wait_for(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + _SECONDS
        while not condition():
            assert time.monotonic() < end, self.log[-5000:]
            assert self.process.poll() is None, self.log[-5000:]
            time.sleep(0.1)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": str(uuid.uuid4())} if body else {}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}/api/v1{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def channels(self) -> list[str]:
        return sorted(each["channel"] for each in self.ask("/conversations")["conversations"])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)


def test_all_channels_come_in_are_answered_and_survive_a_kill(tmp_path: Path, fakes) -> None:
    twilio, x, telegram = fakes
    desk = _Desk(tmp_path, fakes)
    try:
        desk.wait_for(lambda: desk.log.count("channel.owned") == 3)
        # When three customers write
        twilio.receive("我的账户被盗了")
        x.receive("my refund did not arrive")
        telegram.receive("how do I reset my password")
        # Then each has a conversation
        desk.wait_for(lambda: desk.channels() == ["sms", "telegram", "x"])
        # When agents answer each of them
        for conversation in desk.ask("/conversations")["conversations"]:
            text = f"we look into it, case {conversation['reference']}"
            body = {"text": text, "based_on_version": conversation["version"]}
            desk.ask(f"/conversations/{conversation['reference']}/messages", body)
        # Then each answer leaves once, by the channel it came from
        ours = lambda: [  # noqa: E731
            *(each["body"] for each in twilio.messages if each["direction"] == "outbound-api"),
            *(each["text"] for each in x.events if each["sender_id"] == OWN),
            *(each["text"] for each in telegram.sent),
        ]
        desk.wait_for(lambda: len(ours()) == 3)
        # When the connectors are killed and all customers write again
        connectors = int(re.search(r"connectors (\d+)", desk.log)[1])
        os.kill(connectors, signal.SIGKILL)
        twilio.receive("hello?")
        x.receive("hello?")
        telegram.receive("hello?")

        def messages() -> list[int]:
            references = [each["reference"] for each in desk.ask("/conversations")["conversations"]]
            return [len(desk.ask(f"/conversations/{reference}/messages")["messages"]) for reference in references]

        # Then nothing is lost, nothing comes twice, and each goes on with its case
        desk.wait_for(lambda: messages() == [3, 3, 3])
        asked = [len(fake.asked) for fake in fakes]
        # Everything has been asked for again.
        desk.wait_for(lambda: all(len(fake.asked) > before for fake, before in zip(fakes, asked, strict=True)))
        assert (messages(), len(ours())) == ([3, 3, 3], 3)
        assert desk.stop() == 0
    finally:
        desk.process.kill()
        desk.process.wait()
    secrets = (twilios.TOKEN, *KEYS.values(), telegrams.TOKEN.partition(":")[2])
    private = ("被盗", "refund did not", "look into it", twilios.CUSTOMER)
    assert [word for word in (*secrets, *private) if word in desk.log] == []

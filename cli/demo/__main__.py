"""`python -m cli.demo`: run the demo's providers and customers until stopped."""

from __future__ import annotations

import argparse
import base64
import hashlib
import signal
import smtplib
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from cli.demo.app_chat import DemoApp
from cli.demo.mails import SUPPORT, mail_of
from cli.demo.provider import Provider
from cli.demo.story import AFTERNOON, Line
from cli.demo.telegram import DemoTelegram
from cli.demo.twilio import DemoTwilio
from cli.demo.twilio_voice import DemoTwilioVoice
from cli.demo.wechat import DemoWechat
from cli.demo.x import DemoX
from workers.runtime.umask import keep_files_private

_MANY: Final = 1_000_000
_PATIENCE_SECONDS: Final = 60.0


class _Twilio(DemoTwilio):
    def left(self, to: str, text: str) -> None:
        _show("SMS", to, text)


class _X(DemoX):
    def left(self, to: str, text: str) -> None:
        _show("X", self.users.get(to, {}).get("name", to), text)


class _Telegram(DemoTelegram):
    def left(self, to: str, text: str) -> None:
        _show("Telegram", to, text)


class _Wechat(DemoWechat):
    def left(self, to: str, text: str) -> None:
        _show("WeChat", to, text)


class _App(DemoApp):
    def left(self, to: str, text: str) -> None:
        _show("the app", to, text)


class Town:
    """The providers and the customers of the demo. ports: that of each provider, by its name."""

    def __init__(self, *, mail: str, desk: str, **ports: int) -> None:
        # No number may be used twice: the desk remembers those of the last demo.
        now = int(time.time())
        self._twilio, self._telegram = (
            _Twilio(port=ports["twilio"], first=now * 1000),
            _Telegram(port=ports["telegram"], first=now),
        )
        self._x, self._app = _X(port=ports["x"]), _App(port=ports["app"], first=now)
        self._voice = DemoTwilioVoice(port=ports["voice"], first=now * 1000)
        # X's real limit, fifteen lookups in a quarter of an hour, is too slow for a demo.
        self._x.remaining = _MANY
        self._wechat = _Wechat(
            port=ports["wechat"], first=now * 1_000_000, callback_url=f"http://{desk}/webhooks/wechat"
        )
        self._mail = mail
        self._ways: Mapping[str, Callable[[Line], object]] = {
            "mail": self._by_mail,
            "sms": lambda line: self._twilio.receive(line.text, sender=line.who),
            "x": self._by_x,
            "telegram": self._by_telegram,
            "wechat": lambda line: self._wechat.receive(line.text, sender=_openid_of(line.who)),
            "app": lambda line: self._app.receive(line.text, user=f"u-{_number_of(line.who)}", name=line.who),
            "call": self._by_telephone,
        }

    @property
    def providers(self) -> tuple[Provider, ...]:
        """All of them."""
        return self._twilio, self._x, self._telegram, self._app, self._wechat, self._voice

    def write(self, line: Line) -> None:
        """Send one customer's message."""
        self._ways[line.by](line)

    def wait_for_desk(self, stopped: threading.Event) -> None:
        """Return when the desk accepts mail, or after a minute."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not stopped.wait(0.5) and time.monotonic() < end:
            with suppress(OSError, smtplib.SMTPException), self._client():
                return

    def _client(self) -> smtplib.SMTP:
        host, _, port = self._mail.rpartition(":")
        return smtplib.SMTP(host.strip("[]"), int(port), timeout=10)

    def _by_mail(self, line: Line) -> None:
        with self._client() as client:
            client.send_message(mail_of(line, to=SUPPORT))

    def _by_x(self, line: Line) -> None:
        number = _number_of(line.who)
        username = "".join(line.who.lower().split())
        self._x.users[number] = {"id": number, "name": line.who, "username": username if username.isascii() else "user"}
        self._x.receive(line.text, sender=number)

    def _by_telephone(self, line: Line) -> None:
        """Call; a line with words leaves a voicemail, which is a tone."""
        call = self._voice.ring(line.who)
        if line.text:
            self._voice.leave_voicemail(call)

    def _by_telegram(self, line: Line) -> None:
        first, _, last = line.who.partition(" ")
        self._telegram.receive(line.text, sender=int(_number_of(line.who)), names=(first, last, "customer"))


def main() -> None:
    """Play the script once, then stay to receive the agents' answers."""
    keep_files_private()
    parser = argparse.ArgumentParser(prog="python -m cli.demo", description=main.__doc__)
    for name in ("twilio", "x", "telegram", "app", "wechat", "voice"):
        parser.add_argument(f"--{name}", type=int, required=True, help="port of this provider")
    parser.add_argument("--mail", required=True, help="where the desk accepts mail, HOST:PORT")
    parser.add_argument("--desk", required=True, help="where the desk's web process listens, HOST:PORT")
    arguments, stopped = parser.parse_args(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    town = Town(**vars(arguments))
    town.wait_for_desk(stopped)
    for line in AFTERNOON:
        if stopped.wait(line.after):
            break
        with suppress(OSError, smtplib.SMTPException):
            town.write(line)
            print(f"{line.who} writes by {line.by}: {line.subject or line.text}", flush=True)
    else:
        print("The script has ended. Answer a customer on the desk: the answer is shown here.", flush=True)
    while not stopped.wait(1.0):
        pass
    for provider in town.providers:
        provider.stop()


def _show(by: str, to: str, text: str) -> None:
    print(f"{to} gets by {by}: {' / '.join(text.split(chr(10)))}".rstrip(" /"), flush=True)


def _openid_of(name: str) -> str:
    # WeChat's id of a user with a service account: 28 characters that begin with an o.
    return "o" + base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()[:27]


def _number_of(name: str) -> str:
    # The same person has the same number at each start.
    return str(100_000 + zlib.crc32(name.encode()) % 900_000)


if __name__ == "__main__":
    main()

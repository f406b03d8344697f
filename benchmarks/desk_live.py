"""How soon new mail is on the agents' screens, and what open pages cost: many open streams, and mail at a steady rate.

    python -m benchmarks.desk_live --agents 50 --mails 20 --seconds 30 --database sqlite|postgresql --json

All parts are processes of this machine: broker, connectors, a worker, the web process, a browser, and this client. Mail
comes by SMTP. A time begins when the mail is handed over; it ends when an agent's stream has the row, or, for the one
real browser, when the row is in its list. Lists and conversations are asked for twice a second in all.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import re
import shutil
import smtplib
import threading
import time
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from benchmarks.process_costs import cpu_seconds, resident_mb
from benchmarks.rig import Rig, running_rig, wait_until
from store.desk.agents import add_agent
from tests.inbox_builder import fill

_START_SECONDS: Final = 60
# Conversations in the inbox before the measurement starts.
_BEFORE: Final = 2_000
# Without these, the first figures would be those of a cold start.
_WARM_SECONDS: Final = 5
_ASKED_A_SECOND: Final = 2
_ROW: Final = re.compile(rb'"title": "live-(\d+)"')
_FLAGS: Final = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
_WATCH: Final = """() => {
    window.seen = {};
    const look = () => document.querySelectorAll("ol.list .what a").forEach((link) => {
        const number = /^live-(\\d+)$/.exec(link.textContent);
        if (number && !(number[1] in seen)) seen[number[1]] = Date.now();
    });
    new MutationObserver(look).observe(document.querySelector("#list-pane"), { childList: true, subtree: true });
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--mails", type=int, default=20, help="a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with running_rig(wanted.database) as rig:
        figures = _measure(rig, agents=wanted.agents, mails=wanted.mails, seconds=wanted.seconds)
    figures = {"database": wanted.database, "agents": wanted.agents, "mails_per_second": wanted.mails, **figures}
    if wanted.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")


def _measure(rig: Rig, *, agents: int, mails: int, seconds: int) -> dict[str, Any]:
    fill(rig.database, _BEFORE)
    with rig.database.write() as connection:
        tokens = [add_agent(connection, name=f"Agent {number}", role="agent")[1] for number in range(agents)]
    rig.start_broker()
    for name, module in (("web", "api"), ("worker", "workers"), ("connectors", "connectors")):
        rig.start(name, module)
    wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
    cookies = [_sign_in(rig, token) for token in tokens]
    streams, screen, asked = _Streams(rig, cookies), _Screen(rig, tokens[0]), _Asked(rig, cookies[0])
    sender = _Sender(rig, rate=mails)
    parts = [threading.Thread(target=part.run, args=(_WARM_SECONDS + seconds,)) for part in (streams, screen, asked)]
    for part in parts:
        part.start()
    wait_until(lambda: streams.opened >= agents and screen.is_open, seconds=_START_SECONDS)
    cpu = cpu_seconds(rig.processes["web"].pid)
    sender.run(_WARM_SECONDS + seconds)
    cpu = cpu_seconds(rig.processes["web"].pid) - cpu
    memory = resident_mb(rig.processes["web"].pid)
    time.sleep(3)
    streams.stop()
    for part in parts:
        part.join()
    return _figures(sender, streams, screen, asked) | {
        "web_memory_mb": memory,
        "web_cpu_share": round(cpu / (_WARM_SECONDS + seconds), 2),
    }


def _figures(sender: _Sender, streams: _Streams, screen: _Screen, asked: _Asked) -> dict[str, Any]:
    warm = min(sender.sent.values()) + _WARM_SECONDS
    counted = {number: at for number, at in sender.sent.items() if at >= warm}
    rows = sorted(at - counted[number] for number, at in streams.rows if number in counted)
    shown = sorted(at - counted[number] for number, at in screen.shown.items() if number in counted)
    return {
        "rows": len(rows),
        "missing": len(counted) * streams.opened - len(rows),
        "stream_ms_p50": _at(rows, 0.5),
        "stream_ms_p95": _at(rows, 0.95),
        "screen_ms_p50": _at(shown, 0.5),
        "screen_ms_p95": _at(shown, 0.95),
        "list_ms_p95": _at(sorted(asked.lists), 0.95),
        "open_ms_p95": _at(sorted(asked.cases), 0.95),
        "requests_per_minute": screen.requests_per_minute,
    }


def _at(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 1) if ordered else None


def _sign_in(rig: Rig, token: str) -> str:
    """Return the Cookie header of a new session."""
    line = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    line.request("POST", "/sign-in", body=urlencode({"token": token}), headers=headers)
    answer = line.getresponse()
    answer.read()
    return str(answer.headers["set-cookie"]).partition(";")[0]


class _Sender:
    """Hands mail over at a steady rate. sent: when each was."""

    def __init__(self, rig: Rig, *, rate: int) -> None:
        self._rig, self._rate = rig, rate
        self.sent: dict[int, float] = {}

    def run(self, seconds: float) -> None:
        began = time.time()
        with smtplib.SMTP("127.0.0.1", self._rig.smtp_port, timeout=30) as client:
            for number in range(int(seconds * self._rate)):
                time.sleep(max(0.0, began + number / self._rate - time.time()))
                mail = EmailMessage()
                mail["From"], mail["To"] = f"customer{number}@example.com", "support@desk.example"
                mail["Subject"], mail["Message-ID"] = f"live-{number}", f"<live-{number}@example.com>"
                mail.set_content(f"Where is my refund for order {number}? I have been waiting since Monday.")
                self.sent[number] = time.time()
                client.send_message(mail)


class _Streams:
    """One open stream for each agent. rows: which mail came when, once an agent."""

    def __init__(self, rig: Rig, cookies: Sequence[str]) -> None:
        self._rig, self._cookies = rig, cookies
        self.rows: list[tuple[int, float]] = []
        self.opened = 0
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self, _: float) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        tasks = [asyncio.create_task(self._one(cookie)) for cookie in self._cookies]
        await asyncio.to_thread(self._stopped.wait)
        for task in tasks:
            task.cancel()

    async def _one(self, cookie: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._rig.web_port, limit=2**20)
        request = (
            f"GET /desk/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"
        )
        writer.write(request.encode())
        seen: set[int] = set()
        while line := await reader.readline():
            if line.startswith(b"retry:"):
                self.opened += 1
            found = _ROW.search(line) if line.startswith(b"data:") else None
            if found and int(found[1]) not in seen:
                seen.add(int(found[1]))
                self.rows.append((int(found[1]), time.time()))


class _Asked:
    """Lists and conversations, twice a second in all, as the pages ask for them."""

    def __init__(self, rig: Rig, cookie: str) -> None:
        self._rig, self._cookie = rig, cookie
        self.lists: list[float] = []
        self.cases: list[float] = []

    def run(self, seconds: float) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._rig.web_port, timeout=30)
        paths, began = self._paths(line), time.perf_counter()
        for number in range(int(seconds * _ASKED_A_SECOND)):
            due = began + number / _ASKED_A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            path = paths[number // 2 % len(paths)] if number % 2 else "/"
            self._ask(line, path)
            (self.cases if number % 2 else self.lists).append(time.perf_counter() - due)

    def _paths(self, line: http.client.HTTPConnection) -> list[str]:
        return re.findall(r'href="(/conversations/[^"?]+)"', self._ask(line, "/"))

    def _ask(self, line: http.client.HTTPConnection, path: str) -> str:
        line.request("GET", path, headers={"Cookie": self._cookie, "X-Omniyard-Part": "1"})
        answer = line.getresponse()
        text = answer.read().decode()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} was answered {answer.status}")
        return text


class _Screen:
    """A real browser with the list and a conversation open. shown: when each mail was in its list."""

    def __init__(self, rig: Rig, token: str) -> None:
        self._rig, self._token = rig, token
        self.shown: dict[int, float] = {}
        self.is_open = False
        self.requests_per_minute: float | None = None

    def run(self, seconds: float) -> None:
        found = shutil.which("chromium")
        if found is None:
            self.is_open = True
            return
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=_FLAGS.split())
            self._watch(browser.new_page(viewport={"width": 1440, "height": 900}), seconds=seconds)
            browser.close()

    def _watch(self, page: Page, *, seconds: float) -> None:
        page.goto(f"http://127.0.0.1:{self._rig.web_port}/")
        page.fill("#token", self._token)
        page.click("form.single-card button")
        page.wait_for_selector("html[data-live=yes]")
        page.click("ol.list .what a >> nth=5")
        page.wait_for_selector("#case-pane[data-case] #head")
        page.mouse.move(1, 1)
        page.evaluate("document.activeElement.blur()")
        page.evaluate(_WATCH)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        began, self.is_open = time.monotonic(), True
        page.wait_for_timeout(seconds * 1000 + 3000)
        self.requests_per_minute = round(len(asked) * 60 / (time.monotonic() - began), 1)
        self.shown = {int(number): at / 1000 for number, at in page.evaluate("window.seen").items()}


if __name__ == "__main__":
    main()

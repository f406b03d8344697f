"""What 500 hostile connections of each kind cost a desk: memory of the process they reach, and an agent's list meanwhile.

Each connection comes from a loopback address of its own, which is harder for the desk than one address, and is opened
again when the desk ends it. The list is asked ten times a second, timed from when it was due.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import quantiles
from typing import Final

from benchmarks.mailbox import make_mailbox
from benchmarks.process_costs import resident_mb
from benchmarks.rig import USER, Rig, running_rig, wait_until
from store.desk.agents import add_agent

_LIST: Final = "/api/v1/conversations?status=open&limit=50"
_MAILS: Final = 300
_PER_SECOND: Final = 10
_START_SECONDS: Final = 60
_FORM: Final = '\n[channels.contact-form]\nkind = "web"\n'
_STEP_SECONDS: Final = 1.0
# All at the same moment would be one burst, and then nothing until all try again.
_SPREAD_SECONDS: Final = 3.0
_MAIL: Final = b"EHLO a.example\r\nMAIL FROM:<m@a.example>\r\nRCPT TO:<support@desk.example>\r\nDATA\r\n"

Writer = asyncio.StreamWriter
Reader = asyncio.StreamReader


async def _header(_: Reader, writer: Writer, token: str) -> None:
    """Send a header that never ends."""
    del token
    writer.write(b"GET /help HTTP/1.1\r\nHost: desk\r\n")
    for number in itertools.count():
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()
        await asyncio.sleep(_STEP_SECONDS)


async def _body(reader: Reader, writer: Writer, token: str) -> None:
    """Send half of a form of 10 MB at once, and the rest byte by byte."""
    del token
    head = "POST /contact HTTP/1.1\r\nHost: desk\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    writer.write(f"{head}Sec-Fetch-Site: same-origin\r\nContent-Length: 10000000\r\n\r\n".encode())
    for _ in range(80):
        writer.write(b"x" * 65_536)
        await writer.drain()
    answer = asyncio.create_task(reader.read(12))
    while not answer.done():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(_STEP_SECONDS)


async def _small_body(reader: Reader, writer: Writer, token: str) -> None:
    """Send a body of 64 KiB without its last byte."""
    del token
    writer.write(b"POST /sign-in HTTP/1.1\r\nHost: desk\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65_535)
    await writer.drain()
    await reader.read()


async def _unread(_: Reader, writer: Writer, token: str) -> None:
    """Send many requests at once, and read no answer."""
    del token
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET /static/desk.js HTTP/1.1\r\nHost: desk\r\n\r\n" * 500)
    await writer.drain()
    await asyncio.sleep(3600)


async def _stream(reader: Reader, writer: Writer, token: str) -> None:
    """Read a stream of events; all have one token."""
    head = "GET /api/v1/events/stream HTTP/1.1\r\nHost: desk\r\nAccept: text/event-stream\r\n"
    writer.write(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
    if b" 200 " in await reader.readline():
        await reader.read()
    await asyncio.sleep(5)


async def _page(reader: Reader, writer: Writer, token: str) -> None:
    """Search the public answers every five seconds."""
    del token
    body = b"question=my+money+is+gone+and+my+transfer+failed"
    head = "POST /help HTTP/1.1\r\nHost: desk\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    writer.write(f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await reader.read()
    await asyncio.sleep(5)


async def _silent_mail(reader: Reader, writer: Writer, token: str) -> None:
    """Say nothing by SMTP."""
    del writer, token
    await reader.read()


async def _endless_mail(reader: Reader, writer: Writer, token: str) -> None:
    """Send a mail of 20 MB without an end."""
    del token
    writer.write(_MAIL)
    for _ in range(320):
        writer.write(b"x" * 65_534 + b"\r\n")
        await writer.drain()
    await reader.read()


Attack = Callable[[Reader, Writer, str], Awaitable[None]]
_WEB: Final[dict[str, Attack]] = {
    "slow header": _header,
    "slow upload": _body,
    "slow body": _small_body,
    "unread answer": _unread,
    "stream": _stream,
    "help": _page,
}
_SMTP: Final[dict[str, Attack]] = {"silent smtp": _silent_mail, "endless mail": _endless_mail}


def measure(*, connections: int, seconds: int) -> Iterator[dict[str, object]]:
    """Yield the figures of each kind."""
    with running_rig("sqlite", channels=_FORM) as rig:
        with rig.database.write() as connection:
            _, token = add_agent(connection, name="an agent's tool", role="agent")
            _, attacker = add_agent(connection, name="a stolen token", role="viewer")
        rig.start_from_the_first_mail()
        rig.start_broker()
        for name, module in (("web", "api"), ("worker", "workers"), ("connectors", "connectors")):
            rig.start(name, module)
        rig.mail.deliver(USER, make_mailbox(messages=_MAILS, seed=1, redeliveries=0, file_bytes=5_000).mails)
        wait_until(lambda: rig.scalar("SELECT count(*) FROM message") >= _MAILS, seconds=_START_SECONDS, every=0.2)
        wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
        # The first question loads the classifier, which is no cost of an attack.
        _search_help(rig)
        _ask(rig, token, seconds=2)
        yield {"name": "connections", "kind": "none", "list_p95_ms": _p95(_ask(rig, token, seconds=3))}
        for kind in (*_WEB, *_SMTP):
            yield {"name": "connections", "kind": kind, **_under(rig, kind, token, attacker, connections, seconds)}


def _search_help(rig: Rig) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    asking = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=30)
    with contextlib.closing(asking):
        asking.request("POST", "/help", body="question=my+money+is+gone", headers=headers)
        asking.getresponse().read()


def _under(  # noqa: PLR0917
    rig: Rig, kind: str, token: str, attacker: str, connections: int, seconds: int
) -> dict[str, object]:  # fmt: skip
    process = rig.processes["web" if kind in _WEB else "connectors"].pid
    port = rig.web_port if kind in _WEB else rig.smtp_port
    before = resident_mb(process)
    attacking = multiprocessing.get_context("spawn").Process(target=_attack, args=(kind, port, connections, attacker))
    attacking.start()
    try:
        time.sleep(1 + _SPREAD_SECONDS)
        most = [before]
        taken = _ask(rig, token, seconds=seconds, meanwhile=lambda: most.append(resident_mb(process)))
    finally:
        attacking.kill()
        attacking.join()
    return {"connections": connections, "memory_mb": max(most) - before, "list_p95_ms": _p95(taken)}


def _ask(rig: Rig, token: str, *, seconds: int, meanwhile: Callable[[], object] = int) -> list[float]:
    """Ask for the list at a steady rate; return the seconds from when each was due. A failure counts as ten seconds."""
    taken, began = [], time.monotonic()
    for number in range(seconds * _PER_SECOND):
        due = began + number / _PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        asking = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=10)
        try:
            asking.request("GET", _LIST, headers={"Authorization": f"Bearer {token}"})
            answer = asking.getresponse()
            answer.read()
            taken.append(time.monotonic() - due if answer.status == http.HTTPStatus.OK else 10.0)
        except (OSError, http.client.HTTPException):
            taken.append(10.0)
        finally:
            asking.close()
        meanwhile()
    return taken


def _p95(taken: list[float]) -> float:
    return round(quantiles(taken, n=20, method="inclusive")[-1] * 1000, 1)


def _attack(kind: str, port: int, connections: int, token: str) -> None:
    asyncio.run(_attack_from_all(_WEB.get(kind) or _SMTP[kind], port, connections=connections, token=token))


async def _attack_from_all(attack: Attack, port: int, *, connections: int, token: str) -> None:
    addresses = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(connections)]
    spread = _SPREAD_SECONDS / connections
    await asyncio.gather(
        *(_attack_from(address, attack, port, token, after=spread * number) for number, address in enumerate(addresses))
    )


async def _attack_from(address: str, attack: Attack, port: int, token: str, *, after: float) -> None:
    await asyncio.sleep(after)
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            try:
                await attack(reader, writer, token)
            finally:
                writer.transport.abort()
        await asyncio.sleep(_STEP_SECONDS)

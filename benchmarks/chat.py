"""What the site's chat costs and how fast it is: idle streams, wake-ups of a line, and both directions of a message.

    python -m benchmarks.chat [--database sqlite|postgresql] [--streams 2000] [--talks 200] [--json]

One web process, one worker and a broker, as `up` runs them; the visitors have addresses of their own (127.0.0.0/8), so
that every limit stays on. Latencies hold for an idle machine alone: this client shares its processors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import statistics
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
import sqlalchemy as sa

from benchmarks.process_costs import cpu_seconds, resident_mb
from benchmarks.rig import Rig, running_rig, wait_until
from store.db.bulk import table_of
from store.desk.agents import add_agent
from store.tables.messages import ConversationRow, MessageRow

CHANNEL: Final = "speed"
_CONFIG: Final = f"""
[channels.{CHANNEL}]
kind = "chat"
"""
# As many visitors share an address as one may begin in an hour.
_OF_ADDRESS: Final = 20
_IDLE_SECONDS: Final = 20
# How many streams begin at once.
_AT_ONCE: Final = 50
_HEADERS: Final = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class BenchmarkVisitor:
    """One visitor with an open stream; `heard` wakes the waiter for a line."""

    client: httpx.AsyncClient
    secret: str
    text: str = ""
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    async def listen(self) -> None:
        """Read the stream until it is cancelled; a stream ends after ten minutes, and its reader opens the next one."""
        headers = {**self.headers, "Accept": "text/event-stream"}
        while True:
            known = re.findall(r"^id: (\d+)$", self.text, re.MULTILINE)
            after = {"after": known[-1] if known else "0"}
            async with self.client.stream("GET", "/stream", params=after, headers=headers, timeout=None) as answer:
                async for part in answer.aiter_text():
                    self.text += part
                    self.heard.set()

    async def hears(self, words: str) -> None:
        """Wait until a line with these words is there."""
        async with asyncio.timeout(120):
            while words not in self.text:
                self.heard.clear()
                await self.heard.wait()

    async def write(self, text: str) -> None:
        """Send a line once."""
        said = {"client_id": str(uuid4()), "text": text}
        (await self.client.post("/lines", json=said, headers=self.headers)).raise_for_status()


class ChatBenchmark:
    """One run on a rig."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        with rig.database.write() as connection:
            self._token = add_agent(connection, name="benchmark", role="admin")[1]

    async def run(self, *, streams: int, talks: int) -> dict[str, object]:
        """Return the figures."""
        web = self._rig.processes["web"].pid
        clients = [self._client(number) for number in range(-(-streams // _OF_ADDRESS))]
        visitors = await self._begin(clients, streams)
        before = resident_mb(web)
        listening: list[asyncio.Task[None]] = []
        for start in range(0, streams, _AT_ONCE):
            some = visitors[start : start + _AT_ONCE]
            listening += [asyncio.create_task(visitor.listen()) for visitor in some]
            await self._all_listen(some)
        figures: dict[str, object] = {"streams": streams, "mib_of_all": resident_mb(web) - before}
        figures["kib_each"] = round((resident_mb(web) - before) * 1000 / streams, 1)
        figures |= await self._idle(web)
        figures["wakeups_of_a_line"] = await self._wakeups(visitors[0])
        figures |= await self._talk(visitors[1 : talks + 1])
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for client in clients:
            await client.aclose()
        return figures

    def _client(self, number: int) -> httpx.AsyncClient:
        address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(local_address=address, limits=limits)
        base = f"http://127.0.0.1:{self._rig.web_port}/chat/{CHANNEL}"
        return httpx.AsyncClient(base_url=base, transport=transport, headers=_HEADERS, timeout=60)

    async def _begin(self, clients: Sequence[httpx.AsyncClient], streams: int) -> list[BenchmarkVisitor]:
        found: list[BenchmarkVisitor] = []
        for start in range(0, streams, _OF_ADDRESS):
            client = clients[start // _OF_ADDRESS]
            some = range(start, min(start + _OF_ADDRESS, streams))
            answers = await asyncio.gather(*(client.post("/session", json={"in_header": True}) for _ in some))
            found += [BenchmarkVisitor(client, each.raise_for_status().json()["secret"]) for each in answers]
        return found

    async def _all_listen(self, visitors: Sequence[BenchmarkVisitor]) -> None:
        for visitor in visitors:
            await visitor.hears("event: state")

    async def _idle(self, web: int) -> dict[str, object]:
        used, began = cpu_seconds(web), time.monotonic()
        await asyncio.sleep(_IDLE_SECONDS)
        share = (cpu_seconds(web) - used) / (time.monotonic() - began)
        return {"idle_core_percent": round(100 * share, 1)}

    async def _wakeups(self, visitor: BenchmarkVisitor) -> int:
        # The first line of a chat wakes its stream twice: when it comes, and when its case is known.
        await visitor.write("the first line")
        await visitor.hears("the first line")
        known = -1
        while known != (known := self._metric("omniyard_chat_wakeups_total")):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(2)
        await visitor.write("only for one stream")
        await visitor.hears("only for one stream")
        await asyncio.sleep(1)
        return self._metric("omniyard_chat_wakeups_total") - known

    def _metric(self, name: str) -> int:
        address = f"http://127.0.0.1:{self._rig.web_port}/metrics"
        with urllib.request.urlopen(address, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return int(float(next(line for line in lines if line.startswith(f"{name} ")).split()[1]))

    async def _talk(self, visitors: Sequence[BenchmarkVisitor]) -> dict[str, object]:
        before = self._metric("omniyard_chat_wakeups_total")
        up = [await self._up(visitor, f"question {number} of mine") for number, visitor in enumerate(visitors)]
        down = [await self._down(visitor, number) for number, visitor in enumerate(visitors)]
        woken = self._metric("omniyard_chat_wakeups_total") - before
        return {
            "talks": len(visitors),
            "wakeups_of_all_talks": woken,
            "visitor_to_agent_ms": _shown(up),
            "agent_to_visitor_ms": _shown(down),
        }

    async def _up(self, visitor: BenchmarkVisitor, text: str) -> float:
        """Return how long it takes until the agents' list has the message."""
        began = time.perf_counter()
        await visitor.write(text)
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self._is_routed, text):  # noqa: ASYNC110  (another process writes it)
                await asyncio.sleep(0.01)
        return time.perf_counter() - began

    def _is_routed(self, text: str) -> bool:
        table = table_of(MessageRow)
        with self._rig.database.read() as connection:
            found = sa.select(table.c.id).where(table.c.channel == CHANNEL, table.c.text == text).limit(1)
            return connection.execute(found).first() is not None

    async def _down(self, visitor: BenchmarkVisitor, number: int) -> float:
        """Return how long it takes from an agent's answer until the visitor's stream has it."""
        reference = await asyncio.to_thread(self._reference, f"question {number} of mine")
        text = f"answer {number} to you"
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": uuid4().hex}
        began = time.perf_counter()
        address = f"http://127.0.0.1:{self._rig.web_port}/api/v1/conversations/{reference}/messages"
        (await visitor.client.post(address, json={"text": text}, headers=headers)).raise_for_status()
        await visitor.hears(text)
        return time.perf_counter() - began

    def _reference(self, text: str) -> str:
        message, case = table_of(MessageRow), table_of(ConversationRow)
        found = sa.select(case.c.reference).join(message, message.c.conversation_id == case.c.id)
        with self._rig.database.read() as connection:
            return str(connection.execute(found.where(message.c.text == text)).scalars().first())


def _shown(seconds: Sequence[float]) -> dict[str, int]:
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50": round(1000 * statistics.median(seconds)), "p95": round(1000 * cuts[18])}


def run(*, database: str, streams: int, talks: int) -> dict[str, object]:
    """Return the figures of one run."""
    with contextlib.ExitStack() as stack:
        rig = stack.enter_context(running_rig(database, channels=_CONFIG))
        rig.start_broker()
        for name, module in (("worker", "workers"), ("web", "api")):
            rig.start(name, module)
        wait_until(rig.is_serving, seconds=60, every=0.2)
        return {"database": database, **asyncio.run(ChatBenchmark(rig).run(streams=streams, talks=talks))}


def main() -> None:
    """Run and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--talks", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    figures = run(database=said.database, streams=said.streams, talks=min(said.talks, said.streams - 1))
    if said.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    sys.exit(0)


if __name__ == "__main__":
    main()

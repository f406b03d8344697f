"""How fast the API answers while mail is routed: lists and reads at a steady rate, with mail at a steady rate.

    python -m benchmarks.desk_load --requests 50 --mails 200 --seconds 30 --database sqlite|postgresql --json
    python -m benchmarks.desk_load --saturate --pages   the highest rate whose p95 is under 50 ms, here of the desk's pages

All parts are processes of this machine: mail server, broker, connectors, a worker, the web process, and this client.
Times are from when a request was due, so that a stall shows in every request that it delays (no coordinated omission).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.mailbox import make_mailbox
from benchmarks.process_costs import own_cpu_seconds
from benchmarks.rig import USER, Rig, running_rig, wait_until
from benchmarks.web_costs import sign_in
from store.desk.agents import add_agent

# Conversations in the inbox before the measurement starts.
_BEFORE: Final = 2_000
# Each with a token of its own: the desk bounds the requests of one.
_CLIENTS: Final = 8
_CHUNKS_A_SECOND: Final = 10
_START_SECONDS: Final = 60
_DRAIN_SECONDS: Final = 300
# A rate holds while 95 of 100 answers take less.
_HOLDS_MS: Final = 50.0
_FIRST_RATE: Final = 20
# The search ends when the rate is known to a sixteenth.
_FINENESS: Final = 16
_LISTS: Final = (
    "/api/v1/conversations?status=open&limit=50",
    "/api/v1/conversations?team=front-line&limit=50",
    "/api/v1/conversations?status=open&sort=due&limit=50",
)
_PAGES: Final = ("/?view=open", "/?view=unassigned", "/?view=all")


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with running_rig(arguments.database) as rig:
        load = _prepared(rig, mails=arguments.mails, seconds=arguments.seconds, pages=arguments.pages)
        figures = _saturated(load) if arguments.saturate else _measure(load, rate=arguments.requests)
    figures = {"database": arguments.database, **figures}
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50, help="a second")
    parser.add_argument("--mails", type=int, default=200, help="a second")
    parser.add_argument("--seconds", type=int, default=30, help="of each rate")
    parser.add_argument("--saturate", action="store_true", help="find the highest rate whose p95 is under 50 ms")
    parser.add_argument("--pages", action="store_true", help="the desk's pages instead of the REST API")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@dataclass(kw_only=True)
class _Load:
    """What is asked for, and by whom. clients: the headers of each.  batches: how often mail was fed."""

    rig: Rig
    paths: Sequence[str]
    clients: Sequence[dict[str, str]]
    mails: int
    seconds: int
    batches: int = 0


def _prepared(rig: Rig, *, mails: int, seconds: int, pages: bool) -> _Load:
    with rig.database.write() as connection:
        tokens = [add_agent(connection, name=f"tool {number}", role="agent")[1] for number in range(_CLIENTS)]
    rig.start_from_the_first_mail()
    rig.start_broker()
    for name, module in (("web", "api"), ("worker", "workers"), ("connectors", "connectors")):
        rig.start(name, module)
    mailbox = make_mailbox(messages=_BEFORE, seed=1, redeliveries=0, file_bytes=5_000)
    rig.mail.deliver(USER, mailbox.mails)
    wait_until(lambda: _routed(rig) >= _BEFORE, seconds=_DRAIN_SECONDS, every=0.2)
    wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
    references = _references(rig, tokens[0])
    paths = [*_LISTS, *(f"/api/v1/conversations/{reference}" for reference in references)]
    clients = [{"Authorization": f"Bearer {token}"} for token in tokens]
    if pages:
        paths = [*_PAGES, *(f"/conversations/{reference}" for reference in references)]
        clients = [{"Cookie": sign_in(rig, token)} for token in tokens]
    return _Load(rig=rig, paths=paths, clients=clients, mails=mails, seconds=seconds)


def _saturated(load: _Load) -> dict[str, Any]:
    """Return the figures of the highest rate whose p95 holds: doubled until it does not, then halved in between."""
    holds, fails = 0, 0
    found: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    rate = _FIRST_RATE
    while not fails or fails - holds > max(holds // _FINENESS, 1):
        figures = _measure(load, rate=rate)
        # Once more: a moment of another process is not the rate's fault.
        figures = figures if _holds(figures) else _measure(load, rate=rate)
        if _holds(figures):
            holds, found = rate, figures
        else:
            fails = rate
        rate = (holds + fails) // 2 if fails else 2 * holds
    return {"highest_rate": holds, "first_rate_that_fails": fails, **(found or figures)}


def _holds(figures: dict[str, Any]) -> bool:
    slowest: float = max(figures["list_ms_p95"], figures["read_ms_p95"])
    return slowest < _HOLDS_MS


def _measure(load: _Load, *, rate: int) -> dict[str, Any]:
    rig, before = load.rig, _routed(load.rig)
    load.batches += 1
    number = load.mails * load.seconds
    mailbox = make_mailbox(messages=number, seed=1 + load.batches, redeliveries=0, file_bytes=5_000)
    feeding = threading.Thread(target=_feed, args=(rig, mailbox.mails, load.mails))
    feeding.start()
    spent = _spent(rig)
    taken = _ask(load, rate=rate)
    spent = {name: seconds - spent[name] for name, seconds in _spent(rig).items()}
    routed_meanwhile = _routed(rig) - before
    feeding.join()
    wait_until(lambda: _routed(rig) >= before + number, seconds=_DRAIN_SECONDS, every=0.2)
    lists = sorted(each for path, each in taken if path in load.paths[: len(_LISTS)])
    reads = sorted(each for path, each in taken if path not in load.paths[: len(_LISTS)])
    return {
        "requests_per_second": rate,
        "mails_per_second_sent": load.mails,
        "mails_per_second_routed_meanwhile": round(routed_meanwhile / load.seconds, 1),
        "web_cpu_ms_per_request": round(spent["web"] / len(taken) * 1000, 2),
        "percent_of_a_core": {name: round(seconds / load.seconds * 100) for name, seconds in spent.items()},
        **{f"list_ms_{name}": _at(lists, share) for name, share in _SHARES.items()},
        **{f"read_ms_{name}": _at(reads, share) for name, share in _SHARES.items()},
    }


_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def _spent(rig: Rig) -> dict[str, float]:
    """Return the processor time of each part so far, and of those who ask and feed, which are this process."""
    return rig.cpu_seconds() | {"load": own_cpu_seconds(os.getpid())}


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 1)


def _routed(rig: Rig) -> int:
    return rig.scalar("SELECT count(*) FROM inbound WHERE state <> 'received'")


def _references(rig: Rig, token: str) -> list[str]:
    client = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=30)
    client.request("GET", _LISTS[0], headers={"Authorization": f"Bearer {token}"})
    return [row["reference"] for row in json.loads(client.getresponse().read())["conversations"]]


def _feed(rig: Rig, mails: Sequence[bytes], rate: int) -> None:
    """Deliver at a steady rate, a tenth of a second's mail at a time."""
    size, started = max(rate // _CHUNKS_A_SECOND, 1), time.perf_counter()
    for number, start in enumerate(range(0, len(mails), size)):
        time.sleep(max(0.0, started + number / _CHUNKS_A_SECOND - time.perf_counter()))
        rig.mail.deliver(USER, mails[start : start + size])


def _ask(load: _Load, *, rate: int) -> list[tuple[str, float]]:
    """Return the path of each request, and the seconds from when it was due to its complete answer."""
    taken: list[tuple[str, float]] = []
    due = time.perf_counter() + 0.1
    schedule = [(due + number / rate, _choose(load.paths, number)) for number in range(rate * load.seconds)]

    def client(own: Sequence[tuple[float, str]], headers: dict[str, str]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", load.rig.web_port, timeout=30)
        for at, path in own:
            time.sleep(max(0.0, at - time.perf_counter()))
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{path} was answered {answer.status}")
            taken.append((path, time.perf_counter() - at))

    clients = [
        threading.Thread(target=client, args=(schedule[number::_CLIENTS], headers))
        for number, headers in enumerate(load.clients)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    return taken


def _choose(paths: Sequence[str], number: int) -> str:
    """Return a list for every other request, and a conversation for the rest."""
    lists, reads = paths[: len(_LISTS)], paths[len(_LISTS) :]
    return lists[number // 2 % len(lists)] if number % 2 else reads[number // 2 % len(reads)]


if __name__ == "__main__":
    main()

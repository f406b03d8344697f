"""How fast the API answers while mail is routed: lists and reads at a steady rate, with mail at a steady rate.

    python -m benchmarks.desk_load --requests 50 --mails 200 --seconds 30 --database sqlite|postgresql --json

All parts are processes of this machine: mail server, broker, connectors, a worker, the web process, and this client.
Times are from when a request was due, so that a stall shows in every request that it delays (no coordinated omission).
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.mailbox import make_mailbox
from benchmarks.rig import USER, Rig, running_rig, wait_until
from store.desk.agents import add_agent

# Conversations in the inbox before the measurement starts.
_BEFORE: Final = 2_000
_CLIENTS: Final = 5
_CHUNKS_A_SECOND: Final = 10
_START_SECONDS: Final = 60
_DRAIN_SECONDS: Final = 300
_LISTS: Final = (
    "/api/v1/conversations?status=open&limit=50",
    "/api/v1/conversations?team=front-line&limit=50",
    "/api/v1/conversations?status=open&sort=due&limit=50",
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with running_rig(arguments.database) as rig:
        figures = _measure(rig, requests=arguments.requests, mails=arguments.mails, seconds=arguments.seconds)
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
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(rig: Rig, *, requests: int, mails: int, seconds: int) -> dict[str, Any]:
    with rig.database.write() as connection:
        _, token = add_agent(connection, name="a tool", role="agent")
    rig.start_from_the_first_mail()
    rig.start_broker()
    for name, module in (("web", "api"), ("worker", "workers"), ("connectors", "connectors")):
        rig.start(name, module)
    mailbox = make_mailbox(messages=_BEFORE + mails * seconds, seed=1, redeliveries=0, file_bytes=5_000)
    rig.mail.deliver(USER, mailbox.mails[:_BEFORE])
    wait_until(lambda: _routed(rig) >= _BEFORE, seconds=_DRAIN_SECONDS, every=0.2)
    wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
    paths = [*_LISTS, *(f"/api/v1/conversations/{reference}" for reference in _references(rig, token))]

    feeding = threading.Thread(target=_feed, args=(rig, mailbox.mails[_BEFORE:], mails))
    feeding.start()
    taken = _ask(rig, token, paths, rate=requests, seconds=seconds)
    routed_meanwhile = _routed(rig) - _BEFORE
    feeding.join()
    wait_until(lambda: _routed(rig) >= len(mailbox.mails), seconds=_DRAIN_SECONDS, every=0.2)
    lists = sorted(each for path, each in taken if "?" in path)
    reads = sorted(each for path, each in taken if "?" not in path)
    return {
        "requests_per_second": requests,
        "mails_per_second_sent": mails,
        "mails_per_second_routed_meanwhile": round(routed_meanwhile / seconds, 1),
        **{f"list_ms_{name}": _at(lists, share) for name, share in _SHARES.items()},
        **{f"read_ms_{name}": _at(reads, share) for name, share in _SHARES.items()},
    }


_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


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


def _ask(rig: Rig, token: str, paths: Sequence[str], *, rate: int, seconds: int) -> list[tuple[str, float]]:
    """Return the path of each request, and the seconds from when it was due to its complete answer."""
    taken: list[tuple[str, float]] = []
    due = time.perf_counter() + 0.1
    schedule = [(due + number / rate, _choose(paths, number)) for number in range(rate * seconds)]

    def client(own: Sequence[tuple[float, str]]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=30)
        for at, path in own:
            time.sleep(max(0.0, at - time.perf_counter()))
            line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = line.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{path} was answered {answer.status}")
            taken.append((path, time.perf_counter() - at))

    clients = [threading.Thread(target=client, args=(schedule[number::_CLIENTS],)) for number in range(_CLIENTS)]
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

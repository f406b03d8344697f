"""Processor time of the web process for one request of each kind: it holds on a machine that others use, too.

    python -m benchmarks.web_costs --requests 200 --repetitions 5 --database sqlite|postgresql --json
    python -m benchmarks.web_costs --compare /srv/omniyard-before   another checkout on the same rows, measured in turn

Mail is routed first, so that texts and traces are real ones; then the web process runs alone, and one client asks.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.mailbox import make_mailbox
from benchmarks.process_costs import cpu_seconds
from benchmarks.rig import ROOT, USER, Rig, running_rig, wait_until
from store.desk.agents import add_agent

_BEFORE: Final = 2_000
_START_SECONDS: Final = 60
_DRAIN_SECONDS: Final = 300
_LIST: Final = "/api/v1/conversations?status=open&limit=50"
_CASES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The paths of one kind of request, and the header by which they are admitted."""

    paths: Sequence[str]
    headers: dict[str, str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200, help="of each kind, in each repetition")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--compare", type=Path, help="the folder of another checkout with the same tables")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    checkouts = {"here": ROOT} | ({"compared": wanted.compare} if wanted.compare else {})
    with running_rig(wanted.database) as rig:
        _lift_the_limit(rig)
        token = _routed(rig)
        figures = _measure(rig, checkouts, token=token, requests=wanted.requests, repetitions=wanted.repetitions)
    if wanted.json:
        print(json.dumps({"database": wanted.database, **figures}))
        return
    for name, value in figures.items():
        print(f"{name:36} {value}")


def _lift_the_limit(rig: Rig) -> None:
    """Let one token ask as fast as it is answered."""
    text = rig.config.read_text(encoding="utf-8")
    rig.config.write_text(text.replace("[omniyard]", "[omniyard]\nrequests_per_second = 0", 1), encoding="utf-8")


def _routed(rig: Rig) -> str:
    """Route the mail; return the token of an agent."""
    with rig.database.write() as connection:
        _, token = add_agent(connection, name="a tool", role="agent")
    rig.start_from_the_first_mail()
    rig.start_broker()
    for name, module in (("worker", "workers"), ("connectors", "connectors")):
        rig.start(name, module)
    rig.mail.deliver(USER, make_mailbox(messages=_BEFORE, seed=1, redeliveries=0, file_bytes=5_000).mails)
    left = "SELECT count(*) FROM inbound WHERE state <> 'received'"
    wait_until(lambda: rig.scalar(left) >= _BEFORE, seconds=_DRAIN_SECONDS, every=0.2)
    for name in ("connectors", "worker"):
        rig.stop(name)
    return token


def _measure(rig: Rig, checkouts: dict[str, Path], *, token: str, requests: int, repetitions: int) -> dict[str, Any]:
    """Return the milliseconds a request: the median of the repetitions, and their least and largest."""
    taken: dict[str, list[float]] = {}
    for _ in range(repetitions):
        for checkout, folder in checkouts.items():
            for kind, cost in _once(rig, folder, token=token, requests=requests).items():
                taken.setdefault(f"{kind}_ms_{checkout}", []).append(cost)
    return {
        name: f"{statistics.median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f})"
        for name, costs in sorted(taken.items())
    }


def _once(rig: Rig, folder: Path, *, token: str, requests: int) -> dict[str, float]:
    """Return the milliseconds of each kind of request, by a web process of this checkout."""
    with (rig.folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"], cwd=folder, env=rig.environment({}), stdout=log, stderr=log
        )
    rig.processes["web"] = process
    try:
        wait_until(rig.is_serving, seconds=_START_SECONDS, every=0.2)
        return {
            kind: _cost(rig, asked, process_id=process.pid, requests=requests)
            for kind, asked in _kinds(rig, token).items()
        }
    finally:
        rig.stop("web")


def _kinds(rig: Rig, token: str) -> dict[str, _Asked]:
    bearer, line = {"Authorization": f"Bearer {token}"}, _line(rig)
    rows = json.loads(_answer(line, _LIST, headers=bearer))["conversations"]
    cases = [row["reference"] for row in rows][:_CASES]
    cookie = {"Cookie": sign_in(rig, token)}
    return {
        "rest_list": _Asked(paths=[_LIST, f"{_LIST}&sort=due", f"{_LIST}&team=front-line"], headers=bearer),
        "rest_read": _Asked(paths=[f"/api/v1/conversations/{case}" for case in cases], headers=bearer),
        "desk_list": _Asked(paths=["/?view=open", "/?view=unassigned", "/?view=all"], headers=cookie),
        "desk_open": _Asked(paths=[f"/conversations/{case}" for case in cases], headers=cookie),
    }


def _cost(rig: Rig, asked: _Asked, *, process_id: int, requests: int) -> float:
    line = _line(rig)
    for path in asked.paths:
        _answer(line, path, headers=asked.headers)
    before = cpu_seconds(process_id)
    for number in range(requests):
        _answer(line, asked.paths[number % len(asked.paths)], headers=asked.headers)
    return (cpu_seconds(process_id) - before) / requests * 1000


def _line(rig: Rig) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", rig.web_port, timeout=30)


def _answer(line: http.client.HTTPConnection, path: str, *, headers: dict[str, str]) -> bytes:
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    content = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} was answered {answer.status}")
    return content


def sign_in(rig: Rig, token: str) -> str:
    """Return the Cookie header of a new session."""
    line = _line(rig)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    line.request("POST", "/sign-in", body=urlencode({"token": token}), headers=headers)
    answer = line.getresponse()
    answer.read()
    return str(answer.headers["set-cookie"]).partition(";")[0]


if __name__ == "__main__":
    main()

"""What a desk costs while nothing happens: wake-ups, processor time and memory of all its processes.

`python -m benchmarks.at_rest [--seconds 30] [--settle 60] [--json]`: starts `omniyard up` with ten channels in a folder
of its own, sends one mail, waits `--settle` seconds after it, and then counts for `--seconds`.

wakeups: voluntary context switches a second of all threads.  core_percent: of one core.  pss_mb: proportional set size
(/proc/PID/smaps_rollup). Counts hold on a busy machine as well; only `start_seconds` does not.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from benchmarks.process_costs import compiled, family_of, own_cpu_seconds, pss_mb, wakeups
from benchmarks.rig import wait_until
from router.settings.files import shipped_file
from tests.servers.ports import free_port

_LONGEST_START: Final = 300.0
_MORE_CHANNELS: Final = """
[channels.voice-notes]
kind = "voice"
number = "+861012345678"
[channels.contact-form]
kind = "web"
"""
_SMTP_CHANNELS: Final = 6


@dataclass(frozen=True, slots=True)
class AtRest:
    """The figures of one process, or of all."""

    name: str
    wakeups: float
    core_percent: float
    pss_mb: int


@contextmanager
def _desk(folder: Path) -> Iterator[tuple[int, int, float]]:
    """Run a desk with ten channels; yield its process, the port of a mail channel, and the seconds until it served."""
    web, *mail = (free_port() for _ in range(_SMTP_CHANNELS + 2))
    text = shipped_file().read_text(encoding="utf-8")
    text = re.sub(r'(?m)^#?listen = "127\.0\.0\.1:8080".*$', f'listen = "127.0.0.1:{web}"', text)
    text = re.sub(r'(?m)^listen = "127\.0\.0\.1:2525".*$', f'listen = "127.0.0.1:{mail[0]}"', text)
    more = "".join(
        f'[channels.mail-{at}]\nkind = "smtp"\nlisten = "127.0.0.1:{port}"\n' for at, port in enumerate(mail[1:])
    )
    file = folder / "channels.toml"
    file.write_text(text + more + _MORE_CHANNELS, encoding="utf-8")
    environment = compiled()
    began = time.monotonic()
    command = [sys.executable, "-m", "cli", "up", "--config", str(file)]
    with (folder / "output.txt").open("w") as output:
        up = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"http://127.0.0.1:{web}/readyz", output=folder / "output.txt")
        yield up.pid, mail[0], time.monotonic() - began
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def _wait_for(address: str, *, output: Path) -> None:
    end = time.monotonic() + _LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"the desk did not start:\n{output.read_text(encoding='utf-8')}") from None
            time.sleep(0.1)


def _send_mail(port: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "chen@example.org", "support@example.org", "refund"
    mail.set_content("Hello, when does my refund of last week arrive?")
    # The web process may serve before the connectors listen.
    wait_until(lambda: _is_open(port), seconds=_LONGEST_START)
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.send_message(mail)


def _is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def measure(process: int, *, seconds: float) -> list[AtRest]:
    """Return the figures of each process of a family over so many seconds."""
    family = family_of(process)
    before = {each: (wakeups(each), own_cpu_seconds(each)) for each in family}
    time.sleep(seconds)
    return [
        AtRest(
            name=name,
            wakeups=round((wakeups(each) - before[each][0]) / seconds, 1),
            core_percent=round(100 * (own_cpu_seconds(each) - before[each][1]) / seconds, 2),
            pss_mb=pss_mb(each),
        )
        for each, name in family.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.at_rest")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--settle", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omniyard-at-rest-") as folder, _desk(Path(folder)) as (up, port, started):
        _send_mail(port)
        time.sleep(options.settle)
        rows = measure(up, seconds=options.seconds)
    total = AtRest(
        name="all",
        wakeups=round(sum(row.wakeups for row in rows), 1),
        core_percent=round(sum(row.core_percent for row in rows), 2),
        pss_mb=sum(row.pss_mb for row in rows),
    )
    if options.json:
        print(json.dumps({"start_seconds": round(started, 1), "processes": [asdict(row) for row in (*rows, total)]}))
        return
    print(f"serving after {started:.1f} s\n{'process':<14}{'wake-ups/s':>12}{'core %':>9}{'PSS MB':>9}")
    for row in (*rows, total):
        print(f"{row.name:<14}{row.wakeups:>12}{row.core_percent:>9}{row.pss_mb:>9}")


if __name__ == "__main__":
    main()

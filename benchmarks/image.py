"""Build the image of the Containerfile, start it with a read-only root, and send it a mail.

`python -m benchmarks.image [--base IMAGE] [--json]`. It fails above 450 MiB on disk. Prints the unpacked and the packed size, the five largest parts, and
how long each process took. It needs root, `buildah`, and without `--base` also `debootstrap` and a package archive: the
base is then made under the name that the Containerfile asks for. It runs in a network of its own (`unshare --net`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from benchmarks.pip_settings import build_options, read_settings
from benchmarks.rig import wait_until
from cli.processes.procfile import read_procfile
from tests.fresh_machine import APART
from tests.servers.postgres import running_postgres
from workers.broker.embedded import EmbeddedBroker

ROOT: Final = Path(__file__).resolve().parents[1]
BASE: Final = "docker.io/library/debian:bookworm-slim"
TAG: Final = "localhost/omniyard:benchmark"
_USER: Final = 10001
# At most: on a busy machine the start of three processes takes minutes.
_SECONDS: Final = 600
_API: Final = "http://127.0.0.1:8080"
_MIB: Final = 1024 * 1024
# What the image may take on disk, in MiB.
_LARGEST: Final = 450.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFigures:
    """Sizes in MiB: `unpacked` on disk, `packed` as layers travel. largest: folders below site-packages and /usr."""

    unpacked: float
    packed: float
    largest: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Seconds until the web process was ready and until a mail was a conversation; the processes that ran."""

    ready: float
    routed: float
    processes: tuple[str, ...]


class Builder:
    """buildah with a storage of its own, so that nothing of the machine's images is used or left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, *arguments: str) -> str:
        """Run buildah; return what it printed. Raises CalledProcessError with its output."""
        storage = ["--root", str(self._folder / "images"), "--runroot", str(self._folder / "run")]
        done = subprocess.run(["buildah", *storage, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"buildah {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def make_base(self) -> None:
        """Make the base image from the package archive, as the slim image of the distribution is: no documents."""
        system = self._folder / "base"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(system)], check=True, capture_output=True)
        for part in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man"):
            shutil.rmtree(system / part)
            (system / part).mkdir()
        container = self.run("from", "scratch")
        self.run("add", container, str(system), "/")
        self.run("commit", "--rm", container, BASE)
        shutil.rmtree(system)

    def build(self, base: str) -> Path:
        """Build the image; return the folder with its files."""
        arguments = ["--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={base}", "--tag", TAG]
        with build_options(read_settings(), self._folder) as more:
            self.run("bud", *arguments, *more, "--file", str(ROOT / "Containerfile"), str(ROOT))
        return Path(self.run("mount", self.run("from", "--pull-never", TAG)))

    def packed(self) -> float:
        """Return the size of the compressed layers, in MiB."""
        target = self._folder / "packed"
        self.run("push", TAG, f"oci:{target}")
        size = _size(target)
        shutil.rmtree(target)
        return size


def _size(folder: Path) -> float:
    """Return the size of a folder's files in MiB."""
    said = subprocess.run(["du", "--summarize", "--bytes", str(folder)], capture_output=True, text=True, check=True)
    return round(int(said.stdout.split()[0]) / _MIB, 1)


def measure(builder: Builder, system: Path) -> ImageFigures:
    """Return an image's sizes. system: the folder with its files."""
    packages = next((system / "opt" / "omniyard" / "lib").glob("python3*")) / "site-packages"
    parts = {part.name: _size(part) for part in packages.iterdir() if part.is_dir()} | {"/usr": _size(system / "usr")}
    largest = sorted(parts.items(), key=lambda part: -part[1])[:5]
    return ImageFigures(unpacked=_size(system), packed=builder.packed(), largest=dict(largest))


class Container:
    """The image's files as a process sees them: a read-only root, a data folder, and a temporary one."""

    def __init__(self, system: Path, *, variables: Mapping[str, str]) -> None:
        self._system, self._variables = system, variables

    def prepare(self, data: Path) -> None:
        """Mount the root read-only, with `data` as the data folder. Needs a mount namespace of its own."""
        os.chown(data, _USER, _USER)
        system = str(self._system)
        _call("mount", "--bind", system, system)
        _call("mount", "--bind", str(data), f"{system}/var/lib/omniyard")
        _call("mount", "-t", "tmpfs", "tmpfs", f"{system}/tmp")
        for shared in ("/proc", "/dev"):
            _call("mount", "--rbind", shared, f"{system}{shared}")
        _call("mount", "-o", "remount,bind,ro", system)

    def command(self, *words: str) -> list[str]:
        """Return the command that runs `words` in the container as its user, without any privilege."""
        variables = [f"{name}={value}" for name, value in self._variables.items()]
        setting = ["env", "--ignore-environment", "--chdir=/var/lib/omniyard", *variables, *words]
        return ["chroot", f"--userspec={_USER}:{_USER}", str(self._system), *setting]


def _call(*words: str) -> None:
    subprocess.run(words, check=True)


def run(system: Path) -> RunFigures:
    """Start every process of the Procfile on PostgreSQL and Valkey, send a mail, and wait for its conversation."""
    _call("ip", "link", "set", "lo", "up")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniyard-image-")))
        folder.chmod(0o755)
        (folder / "data").mkdir()
        postgres = stack.enter_context(running_postgres(durable=True))
        broker = EmbeddedBroker(folder / "broker")
        _start(stack, broker.prepare(), folder / "broker.log")
        broker.wait_until_ready(_SECONDS)
        container = Container(system, variables=_variables(postgres.url(), broker.url))
        container.prepare(folder / "data")
        _call(*container.command("omniyard", "migrate"))
        added = subprocess.run(
            container.command("omniyard", "agent", "add", "prober", "--role", "admin", "--json"),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        begun = time.monotonic()
        entries = read_procfile(ROOT / "Procfile")
        for entry in entries:
            _start(stack, container.command(*entry.arguments), folder / f"{entry.name}.log")
        stack.push(lambda kind, *_: _show_logs(folder) if kind else None)
        ready, routed = _probe(begun, token=str(json.loads(added.stdout)["token"]))
        return RunFigures(ready=ready, routed=routed, processes=tuple(entry.name for entry in entries))


def _variables(database: str, broker: str) -> dict[str, str]:
    return {
        "PATH": "/opt/omniyard/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OMNIYARD_CONFIG": "/etc/omniyard/channels.toml",
        "OMNIYARD_DATABASE": database,
        "OMNIYARD_BROKER": broker,
        "OMNIYARD_KEY": "0123456789abcdef" * 4,
    }


def _start(stack: contextlib.ExitStack, command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def stop() -> None:
        process.terminate()
        process.wait(_SECONDS)

    stack.callback(stop)


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        print(
            f"--- {log.name}",
            *log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:],
            sep="\n",
            file=sys.stderr,
        )


def _probe(begun: float, *, token: str) -> tuple[float, float]:
    wait_until(lambda: _get("/readyz", token=token) is not None, seconds=_SECONDS)
    ready = time.monotonic() - begun
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@example.com", "support@wallet.example", "Refund for order 88412?"
    mail["Message-ID"] = "<image-1@example.com>"
    mail.set_content("I sent the parcel back two weeks ago. When do I get my refund?")
    wait_until(lambda: _sent(mail), seconds=_SECONDS)
    sent = time.monotonic()
    wait_until(lambda: bool((_get("/api/v1/conversations", token=token) or {}).get("conversations")), seconds=_SECONDS)
    return round(ready, 1), round(time.monotonic() - sent, 1)


def _get(path: str, *, token: str) -> dict[str, Any] | None:
    request = urllib.request.Request(f"{_API}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return dict(json.load(answer))
    except OSError:
        return None


def _sent(mail: EmailMessage) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", 2525, timeout=10) as server:
            server.send_message(mail)
    except OSError:
        return False
    return True


def missing_parts(*, base: str | None) -> list[str]:
    """Return what this machine lacks to build and run the image."""
    programs = ["buildah", "unshare", "ip", *([] if base else ["debootstrap"])]
    lacking = [name for name in programs if shutil.which(name) is None]
    return lacking if os.geteuid() == 0 else ["root", *lacking]


def main() -> None:
    """Build, measure, run, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--base", help="an image to build on; made here if not given")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.run:
        print(json.dumps(asdict(run(chosen.run))))
        return
    if lacking := missing_parts(base=chosen.base):
        raise SystemExit(f"skipped: this needs {', '.join(lacking)}")
    with tempfile.TemporaryDirectory(prefix="omniyard-build-") as folder:
        builder = Builder(Path(folder))
        if not chosen.base:
            builder.make_base()
        system = builder.build(chosen.base or BASE)
        try:
            sizes, ran = measure(builder, system), _run_apart(system)
        finally:
            builder.run("rm", "--all")
    result = {**asdict(sizes), **ran}
    print(json.dumps(result, indent=None if chosen.json else 2))
    if sizes.unpacked > _LARGEST:
        raise SystemExit(f"the image takes {sizes.unpacked} MiB on disk; at most {_LARGEST:.0f} are allowed")


def _run_apart(system: Path) -> dict[str, Any]:
    again = [sys.executable, "-m", "benchmarks.image", "--run", str(system)]
    done = subprocess.run([*APART, *again], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()

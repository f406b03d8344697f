"""Separate hosts on one machine: a network namespace each, on one bridge in a namespace of the run's own.

The run itself moves into a new namespace ("the world": mail provider, SMS provider, proxy), so the machine's own
network and firewall are not touched. A part of ours that listens or connects on loopback reaches the other host by NAT.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

WORLD: Final = "10.77.0.1"
_PREFIX: Final = "omniyard-fleet-"
_NAMESPACES: Final = Path("/run/netns")
_NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
_CHAIN: Final = "FLEET"
# A slow link's rate; a lossy one loses this share of the packets in each direction.
SLOW: Final = "512kbit"
LOSS: Final = "0.2"
_GONE_SECONDS: Final = 10


def why_not() -> str:
    """Return why this machine cannot run a fleet; empty if it can."""
    if os.geteuid() != 0:
        return "it needs root, for network namespaces"
    missing = [name for name in ("ip", "tc", "iptables", "nsenter") if shutil.which(name) is None]
    return f"it needs {', '.join(missing)} (Debian's iproute2, iptables and util-linux)" if missing else ""


def run(*command: str) -> None:
    """Run a command of the network; raise RuntimeError with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host. name: as the table shows it.  ip: its address.  namespace: the kernel's name of it."""

    name: str
    ip: str
    namespace: str

    def command(self, *command: str) -> list[str]:
        """Return a command that runs on this host."""
        return ["nsenter", f"--net={_NAMESPACES / self.namespace}", *command]

    def pids(self) -> list[int]:
        """Return every process of this host."""
        found = subprocess.run(
            ["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False
        ).stdout
        return [int(word) for word in found.split()]

    def unplug(self) -> None:
        """Take its link down: what it sends and gets is lost in silence."""
        run(*self.command("ip", "link", "set", "eth0", "down"))

    def plug(self) -> None:
        """Take its link up again."""
        run(*self.command("ip", "link", "set", "eth0", "up"))

    def kill(self) -> None:
        """End every process at once, as a power cut does: no peer hears of it."""
        self.unplug()
        kill_all(self.pids)


@dataclass(frozen=True, slots=True)
class Network:
    """The hosts of a run, by name, and what stands between them."""

    hosts: dict[str, Host] = field(default_factory=dict)

    def cut(self, one: str, other: str, how: str) -> None:
        """Spoil the way between two hosts. how: "both", "there" (one to other is lost), "back", "slow" or "lossy"."""
        a, b = self.hosts[one], self.hosts[other]
        if how in {"both", "there"}:
            _filter(b, "-s", a.ip, "-j", "DROP")
        if how in {"both", "back"}:
            _filter(a, "-s", b.ip, "-j", "DROP")
        for here, there in ((a, b), (b, a)) if how == "lossy" else ():
            _filter(here, "-s", there.ip, "-m", "statistic", "--mode", "random", "--probability", LOSS, "-j", "DROP")
        for here, there in ((a, b), (b, a)) if how == "slow" else ():
            _slow(here, there)

    def heal(self, *names: str) -> None:
        """Make every way of these hosts good again."""
        for name in names:
            host = self.hosts[name]
            run(*host.command("iptables", "-F", _CHAIN))
            run(*host.command("iptables", "-t", "mangle", "-F", "POSTROUTING"))
            subprocess.run(host.command("tc", "qdisc", "del", "dev", "eth0", "root"), capture_output=True, check=False)


def _filter(host: Host, *rule: str) -> None:
    run(*host.command("iptables", "-A", _CHAIN, *rule))


def _slow(here: Host, there: Host) -> None:
    run(*here.command("tc", "qdisc", "replace", "dev", "eth0", "root", "handle", "1:", "htb"))
    rate = ("htb", "rate", SLOW, "quantum", "1600")
    run(*here.command("tc", "class", "replace", "dev", "eth0", "parent", "1:", "classid", "1:2", *rate))
    mark = ("-j", "CLASSIFY", "--set-class", "1:2")
    run(*here.command("iptables", "-t", "mangle", "-A", "POSTROUTING", "-d", there.ip, *mark))


@contextlib.contextmanager
def running_network(names: Sequence[str], *, outward: Sequence[int], inward: Sequence[int]) -> Iterator[Network]:
    """Make a network of hosts, and remove it in the end with every process in it.

    outward: ports of the world that a host reaches on its own loopback.  inward: ports of a host's loopback that the
    others reach at its address.
    """
    remove_leftovers()
    network = Network()
    try:
        _make_world(outward)
        for number, name in enumerate(names, start=11):
            host = Host(name=name, ip=f"10.77.0.{number}", namespace=f"{_PREFIX}{os.getpid()}-{name}")
            network.hosts[name] = host
            _make_host(host, outward=outward, inward=inward)
        yield network
    finally:
        for host in network.hosts.values():
            _remove(host.namespace)


def enter_new_world() -> None:
    """Move this process into a network namespace of its own; call it before any thread starts."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace can be made")
    run("ip", "link", "set", "lo", "up")


def remove_leftovers() -> None:
    """Remove the namespaces of runs that were killed, with what still runs in them."""
    for path in _NAMESPACES.glob(f"{_PREFIX}*") if _NAMESPACES.exists() else ():
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path(f"/proc/{owner}").exists():
            _remove(path.name)


def _make_world(outward: Sequence[int]) -> None:
    run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "addr", "add", f"{WORLD}/24", "dev", "br0")
    run("ip", "link", "set", "br0", "up")
    for port in outward:
        to_loopback = ("-j", "DNAT", "--to-destination", "127.0.0.1")
        run("iptables", "-t", "nat", "-A", "PREROUTING", "-d", WORLD, "-p", "tcp", "--dport", str(port), *to_loopback)


def _make_host(host: Host, *, outward: Sequence[int], inward: Sequence[int]) -> None:
    link = f"v{host.ip.rpartition('.')[2]}"
    run("ip", "netns", "add", host.namespace)
    run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    run("ip", "link", "set", link, "master", "br0", "up")
    run(*host.command("ip", "link", "set", "lo", "up"))
    run(*host.command("ip", "addr", "add", f"{host.ip}/24", "dev", "eth0"))
    host.plug()
    run(*host.command("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"))
    tables = ("iptables", "-t", "nat", "-A")
    for port in outward:
        way = ("OUTPUT", "-d", "127.0.0.1", "-p", "tcp", "--dport", str(port), "-j", "DNAT", "--to-destination", WORLD)
        run(*host.command(*tables, *way))
    run(*host.command(*tables, "POSTROUTING", "-s", "127.0.0.1", "-o", "eth0", "-j", "SNAT", "--to-source", host.ip))
    for port in inward:
        to_loopback = ("--dport", str(port), "-j", "DNAT", "--to-destination", "127.0.0.1")
        run(*host.command(*tables, "PREROUTING", "-d", host.ip, "-p", "tcp", *to_loopback))
    run(*host.command("iptables", "-N", _CHAIN))
    run(*host.command("iptables", "-I", "INPUT", "-j", _CHAIN))


def _remove(namespace: str) -> None:
    kill_all(Host(name="", ip="", namespace=namespace).pids)
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def kill_all(pids: Callable[[], list[int]]) -> None:
    """Stop, then kill all processes that `pids` returns, until there are none: none may start another meanwhile."""
    end = time.monotonic() + _GONE_SECONDS
    while (found := pids()) and time.monotonic() < end:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        time.sleep(0.05)

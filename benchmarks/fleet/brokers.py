"""Valkey on two hosts, and three Sentinels that choose the master."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import redis

from benchmarks.fleet.network import Host
from benchmarks.rig import wait_until
from tests.servers import sentinels
from tests.servers.sentinels import Place

_SERVER_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_QUORUM: Final = 2
_START_SECONDS: Final = 30


class Brokers:
    """servers: two hosts with a Valkey and a Sentinel each.  watch: a third host with a Sentinel alone."""

    def __init__(self, servers: Sequence[Host], watch: Host, *, folder: Path) -> None:
        self._servers, self._folder = {host.name: host for host in servers}, folder
        self._all = {host.name: host for host in (*servers, watch)}
        self._first = servers[0]

    @property
    def url(self) -> str:
        """The address for clients."""
        return sentinels.address([Place(host.ip, _SENTINEL_PORT) for host in self._all.values()])

    def start_all(self) -> None:
        """Start the master, its replica and the Sentinels."""
        for name in self._all:
            self.start(name)
        wait_until(lambda: self.master() is not None and self.is_complete(), seconds=_START_SECONDS, every=0.2)

    def start(self, name: str) -> None:
        """Start what runs on a host: a Sentinel that returns goes on with what it knew."""
        host, master = self._all[name], Place(self._first.ip, _SERVER_PORT)
        if host.name in self._servers:
            place = Place(host.ip, _SERVER_PORT)
            # A server that returns is a replica first; the Sentinels correct what is wrong.
            current = self.master() or self._first.name
            upstream = Place(self._all[current].ip, _SERVER_PORT) if current != name else None
            self._run(host, sentinels.server_command(self._folder / f"{name}-server", place, master=upstream), "server")
        folder = self._folder / f"{name}-sentinel"
        sentinel = sentinels.sentinel_command(folder, Place(host.ip, _SENTINEL_PORT), master=master, quorum=_QUORUM)
        self._run(host, sentinel, "sentinel")

    def fail_over(self) -> None:
        """Ask the Sentinels to make the replica the master."""
        for host in self._all.values():
            with redis.Redis(host=host.ip, port=_SENTINEL_PORT, socket_timeout=2, socket_connect_timeout=2) as client:
                try:
                    client.execute_command("SENTINEL FAILOVER", sentinels.MASTER)
                except redis.RedisError:
                    continue
            return

    def master(self) -> str | None:
        """Return the host of the master, as the first Sentinel that answers says."""
        by_ip = {host.ip: host.name for host in self._servers.values()}
        for host in self._all.values():
            with redis.Redis(host=host.ip, port=_SENTINEL_PORT, socket_timeout=1, decode_responses=True) as client:
                try:
                    found = client.sentinel_get_master_addr_by_name(sentinels.MASTER)
                except redis.RedisError:
                    continue
            if found:
                return by_ip.get(str(found[0]))
        return None

    def is_complete(self) -> bool:
        """Return whether there is a master that the replica follows."""
        name = self.master()
        return name is not None and sentinels.has_replica(Place(self._servers[name].ip, _SERVER_PORT))

    def _run(self, host: Host, command: Sequence[str], what: str) -> None:
        sentinels.start(host.command(*command), log=self._folder / f"{host.name}-{what}.log")

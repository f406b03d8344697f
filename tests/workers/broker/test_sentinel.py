"""A broker behind Sentinels: bells are heard after a failover, and `doctor` names the Sentinels that are silent."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.rig import wait_until
from cli.commands.doctor import examine_broker
from router.settings import read_settings
from tests.desk import text_in
from tests.servers import sentinels
from tests.servers.ports import free_port
from tests.servers.sentinels import Place
from workers.broker.connect import silent_sentinels
from workers.broker.doorbell import Bell, listening_broker
from workers.broker.sentinel import read_sentinel


class Watched:
    """A master with a replica and one Sentinel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.replica, self.sentinel = (Place("127.0.0.1", free_port()) for _ in range(3))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._start("master", sentinels.server_command(folder / "master", self.master))
        self._start("replica", sentinels.server_command(folder / "replica", self.replica, master=self.master))
        wait_until(lambda: sentinels.has_replica(self.master), seconds=90)
        self._start("sentinel", sentinels.sentinel_command(folder / "s", self.sentinel, master=self.master, quorum=1))
        wait_until(lambda: not silent_sentinels(self.url, seconds=1), seconds=90)

    @property
    def url(self) -> str:
        return sentinels.address([self.sentinel])

    def _start(self, name: str, command: list[str]) -> None:
        self.processes[name] = sentinels.start(command, log=self.folder / f"{name}.log")

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    watched = Watched(tmp_path_factory.mktemp("watched"))
    yield watched
    watched.stop()


def examined(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, str]:
    monkeypatch.setenv("SHARED_BROKER", address)
    text = text_in(folder).replace("[omniyard]", '[omniyard]\nbroker = "env:SHARED_BROKER"', 1)
    health = examine_broker(read_settings(text))
    return health.ok, " ".join(health.findings)


def test_doctor_asks_every_sentinel(watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, said = examined(watched.url, tmp_path, monkeypatch)
    assert (ok, said.endswith("answers")) == (True, True)
    # What answers there is a Valkey, and no Sentinel.
    silent = f"127.0.0.1:{watched.replica.port}"
    more = watched.url.replace("/desk", f",{silent}/desk")
    assert examined(more, tmp_path, monkeypatch)[0] is False
    assert f"{silent} does not answer as a Sentinel of this master" in examined(more, tmp_path, monkeypatch)[1]
    unknown = examined(watched.url.replace("/desk", "/other"), tmp_path, monkeypatch)
    assert "does not answer (MasterNotFoundError)" in unknown[1]


def test_a_bell_rings_at_the_new_master_after_a_failover(watched: Watched) -> None:
    listening = listening_broker(watched.url)
    assert listening.client.ping()
    bell = Bell(lambda: watched.url)
    assert bell.ring([uuid4()])
    wait_until(lambda: bool(listening.client.exists("dramatiq:pages")), seconds=90)

    watched.processes["master"].kill()
    wait_until(lambda: sentinels.role(watched.replica) == "master", seconds=90)

    # The bell rests after its failure; a worker's client asks the Sentinels by itself.
    assert listening.client.ping()
    assert Bell(lambda: watched.url).ring([uuid4()])
    host = listening.client.connection_pool.get_connection()
    assert host.port == watched.replica.port


def test_no_password_is_in_what_is_shown_of_an_address() -> None:
    found = read_sentinel("sentinel://user:hunter2@[::1],b:1/desk?db=3&sentinel_password=hunter2")
    assert "hunter2" not in repr(found)
    assert (found.hosts, found.master, found.user, found.db) == ((("::1", 26379), ("b", 1)), "desk", "user", 3)
    assert (found.password, found.sentinel_password) == ("hunter2", "hunter2")

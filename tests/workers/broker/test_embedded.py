"""The embedded broker is private, refuses instead of evicting, and keeps its data after a kill."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import redis

from workers.broker.embedded import EmbeddedBroker, url_file


@pytest.fixture
def broker(tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    process = _run(broker)
    yield broker
    process.kill()
    process.wait()


def _run(broker: EmbeddedBroker) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(broker.prepare(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    broker.wait_until_ready(60)
    return process


def test_only_the_owner_can_read_its_url_with_the_password(tmp_path: Path, broker: EmbeddedBroker):
    assert stat.S_IMODE(url_file(tmp_path).stat().st_mode) == 0o600
    assert url_file(tmp_path).read_text() == broker.url
    with redis.Redis.from_url(f"redis://{broker.address}") as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_it_refuses_instead_of_evicting(broker: EmbeddedBroker):
    with redis.Redis.from_url(broker.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_kill_loses_no_written_key_and_the_next_start_keeps_the_url(tmp_path: Path):
    first = EmbeddedBroker(tmp_path)
    process = _run(first)
    with redis.Redis.from_url(first.url) as client:
        client.set("page", "1")
        client.execute_command("WAITAOF", 1, 0, 60_000)
    process.send_signal(signal.SIGKILL)
    process.wait()

    second = EmbeddedBroker(tmp_path)
    process = _run(second)
    try:
        with redis.Redis.from_url(second.url) as client:
            assert client.get("page") == b"1"
        assert second.url == first.url
    finally:
        process.kill()
        process.wait()


def test_a_port_in_use_is_changed(tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    with socket.create_server(("127.0.0.1", int(broker.address.split(":")[1]))):
        before = broker.address
        broker.prepare()
    assert broker.address != before


def test_an_unreadable_file_is_set_aside(tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    broker.prepare()
    kept = tmp_path / "broker" / "appendonlydir"
    kept.mkdir()
    (kept / "appendonly.aof.manifest").write_text("rubbish")
    process = subprocess.run(broker.prepare(), stdout=subprocess.DEVNULL, timeout=240, check=False)
    assert process.returncode != 0

    broker.set_aside()

    process = _run(broker)
    process.kill()
    process.wait()

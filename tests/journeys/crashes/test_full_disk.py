"""A disk that fills up while mail arrives: the sender gets a temporary refusal, and no stored mail is lost."""

from __future__ import annotations

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig import Rig, running_rig, wait_until

_MEGABYTES = 6


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def send(rig: Rig, number: int) -> None:
    mail = f"From: a@customers.example\r\nSubject: {number}\r\n\r\n{os.urandom(60_000).hex()}\r\n"
    with smtplib.SMTP("127.0.0.1", rig.smtp_port, timeout=30) as client:
        client.sendmail("a@customers.example", ["support@desk.example"], mail)


def listens(rig: Rig) -> bool:
    return b"channel.listening" in (rig.folder / "connectors.log").read_bytes()


def test_mail_waits_outside_while_the_disk_is_full_and_comes_in_when_it_is_not(small_disk: Path) -> None:
    with running_rig("sqlite", database_folder=small_disk) as rig:
        rig.start("connectors", "connectors")
        wait_until(lambda: listens(rig), seconds=60)
        ballast = small_disk / "ballast"
        send(rig, 0)
        ballast.write_bytes(b"\0" * (small_disk_left(small_disk) - 50_000))

        refused = []
        for number in range(1, 4):
            with pytest.raises(smtplib.SMTPDataError) as caught:
                send(rig, number)
            refused.append(caught.value.smtp_code)
        assert refused == [451, 451, 451]
        assert b"free some space" in (rig.folder / "connectors.log").read_bytes()
        assert rig.processes["connectors"].poll() is None

        ballast.unlink()
        send(rig, 1)
        assert rig.scalar("SELECT count(*) FROM inbound") == 2
        assert rig.scalar("SELECT count(*) FROM original") == 2


def small_disk_left(folder: Path) -> int:
    left = os.statvfs(folder)
    return left.f_bavail * left.f_frsize

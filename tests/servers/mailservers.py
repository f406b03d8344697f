"""Real mail servers for tests and benchmarks: Dovecot where it is installed, otherwise pymap.

Nothing here is a fake of IMAP. A plain module: tests and benchmarks import it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from imapclient import IMAPClient

from tests.servers.ports import free_port

PASSWORD = "correct-horse"
_TOKEN_KEY = b"a key that lives for a test only"

_DOVECOT = """
base_dir = {base}/run
state_dir = {base}/run
log_path = {base}/dovecot.log
protocols = imap
listen = 127.0.0.1
{users}
first_valid_uid = 1
mail_location = maildir:{base}/mail/%u
mail_max_userip_connections = 200
# Tests need no flush; benchmarks measure our code and not the disk.
mail_fsync = never
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_cache_size = 0
ssl = yes
ssl_cert = <{base}/server.pem
ssl_key = <{base}/server.key
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {base}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={base}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Otherwise each refused login delays the next one, for all clients on loopback.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={base}/keys/
username_attribute = sub
"""


class Running(Protocol):
    """A server's process; `subprocess.Popen` is one, and a fork of the tests."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


class Launch(Protocol):
    """How `python WORDS` is started."""

    def __call__(self, words: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes]) -> Running: ...


def _start_python(words: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes]) -> Running:
    return subprocess.Popen([sys.executable, *words], stdout=stdout, stderr=stderr)


@dataclass(kw_only=True)
class MailServer:
    """A running IMAP server on loopback; any user name logs in with `password`.

    maildirs: where the users' maildirs are, if the server keeps them in files that a test may damage.
    ca_file: the certificate authority of `tls_port`; None if the server has no TLS.
    """

    kind: str
    port: int
    process: Running
    password: str = PASSWORD
    tls_port: int = 0
    ca_file: Path | None = None
    maildirs: Path | None = None
    owner: tuple[int, int] = (-1, -1)
    _remove: list[Path] = field(default_factory=list)
    _delivered: int = 0

    host = "127.0.0.1"

    def client(self, user: str, folder: str | None = "INBOX") -> IMAPClient:
        """Log in as a mail program would, with the folder selected."""
        client = IMAPClient(self.host, port=self.port, ssl=False, timeout=30)
        client.login(user, self.password)
        if folder:
            client.select_folder(folder)
        return client

    def append(self, user: str, messages: Iterable[bytes], *, folder: str = "INBOX") -> None:
        """Put messages into a folder by IMAP, in order."""
        client = self.client(user, None)
        for content in messages:
            client.append(folder, content)
        client.logout()

    def remove(self, user: str, uids: Sequence[int]) -> None:
        """Delete messages permanently, as a person with a mail program might."""
        client = self.client(user)
        client.delete_messages(uids)
        client.expunge()
        client.logout()

    def renumber(self, user: str) -> None:
        """Make the server number the INBOX again, under another UIDVALIDITY. Needs files."""
        assert self.maildirs
        for index in (self.maildirs / user).glob("dovecot*"):
            index.unlink()

    def deliver(self, user: str, messages: Sequence[bytes]) -> None:
        """Put messages into the INBOX in order, by the thousand: as files where the server keeps files."""
        if self.maildirs is None:
            self.append(user, messages)
            return
        inbox = self.maildirs / user
        for folder in (inbox, *(inbox / name for name in ("tmp", "new", "cur"))):
            if not folder.exists():
                folder.mkdir()
                os.chown(folder, *self.owner)
        for content in messages:
            self._delivered += 1
            self._write(inbox, content)

    def _write(self, inbox: Path, content: bytes) -> None:
        # Dovecot numbers new files by name, so the count gives the order; with S= and W= it need not compute the sizes.
        virtual = len(content) + content.count(b"\n") - content.count(b"\r\n")
        name = f"{1_700_000_000 + self._delivered}.M{self._delivered:09}.test,S={len(content)},W={virtual}"
        path = inbox / "tmp" / name
        path.write_bytes(content)
        os.chown(path, *self.owner)
        path.rename(inbox / "new" / name)

    def token(self, user: str, *, lives: float = 3600) -> str:
        """Return an OAuth access token (a JWT) that the server accepts for `user`."""
        now = int(time.time())
        claims = {"sub": user, "iat": now - 10, "nbf": now - 10, "exp": int(now + lives), "iss": "tests"}
        parts = (json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        mac = hmac.new(_TOKEN_KEY, signed, hashlib.sha256).digest()
        return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()

    def stop(self) -> None:
        """End the server and remove what it wrote outside the given folder."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for path in self._remove:
            shutil.rmtree(path, ignore_errors=True)


def dovecot_installed() -> bool:
    """Return whether `start_dovecot` can work here."""
    return bool(shutil.which("dovecot")) and bool(shutil.which("openssl"))


def start(root: Path) -> MailServer:
    """Start the best server that this machine has."""
    return start_dovecot(root) if dovecot_installed() else start_pymap(root)


def start_dovecot(root: Path) -> MailServer:
    """Start a separate Dovecot on two free ports of loopback. Works as root and as any other user."""
    base, remove = _base(root)
    owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    make_certificate(base)
    _make_token_key(base)
    for name in ("run", "mail", "home"):
        (base / name).mkdir()
        os.chown(base / name, *((owner.pw_uid, owner.pw_gid) if name != "run" else (-1, -1)))
    port, tls_port = free_port(), free_port()
    users = (
        "" if os.geteuid() == 0 else f"default_internal_user = {owner.pw_name}\ndefault_login_user = {owner.pw_name}"
    )
    (base / "oauth2.conf").write_text(_OAUTH2.format(base=base))
    (base / "dovecot.conf").write_text(
        _DOVECOT.format(
            base=base, users=users, owner=owner.pw_uid, group=owner.pw_gid, port=port, tls_port=tls_port,
            password=PASSWORD,
        )
    )  # fmt: skip
    process = subprocess.Popen([shutil.which("dovecot") or "dovecot", "-F", "-c", str(base / "dovecot.conf")])
    server = MailServer(
        kind="dovecot",
        port=port,
        process=process,
        tls_port=tls_port,
        ca_file=base / "server.pem",
        maildirs=base / "mail",
        owner=(owner.pw_uid, owner.pw_gid),
        _remove=remove,
    )
    await_greeting(port, process)
    return server


def start_pymap(root: Path, *, user: str = "support", launch: Launch = _start_python) -> MailServer:
    """Start a pymap that keeps its mail in memory, without TLS and tokens, for this one user.

    launch: how `python WORDS` starts; the forks of the tests start sooner.
    """
    port = free_port()
    root.mkdir(parents=True, exist_ok=True)
    with (root / "pymap.log").open("wb") as log:
        process = launch(
            ["-c", "from pymap.main import main; main()",
             "--no-service", "admin", "--no-service", "managesieve",
             "--host", "127.0.0.1", "--port", str(port), "--no-tls",
             "dict", "--demo-user", user, "--demo-password", PASSWORD],
            stdout=log, stderr=log,
        )  # fmt: skip
    await_greeting(port, process)
    return MailServer(kind="pymap", port=port, process=process)


def await_greeting(port: int, process: Running, *, seconds: float = 20) -> None:
    """Return once the server greets; raise RuntimeError when it dies or stays silent."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
                if probe.recv(16):
                    return
        except OSError:
            time.sleep(0.02)
    process.kill()
    raise RuntimeError(f"the mail server on port {port} did not come up")


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Return a context that trusts only this file."""
    return ssl.create_default_context(cafile=str(ca_file))


def _base(root: Path) -> tuple[Path, list[Path]]:
    # Started by root, Dovecot reads mail as another user, who may not enter root's temporary folders.
    if os.geteuid() != 0:
        base = root / "dovecot"
        base.mkdir(parents=True)
        return base, []
    base = Path(tempfile.mkdtemp(prefix="omniyard-dovecot-"))
    base.chmod(0o755)
    return base, [base]


def make_certificate(base: Path) -> None:
    """Write server.pem and server.key for localhost into a folder."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", base / "server.key", "-out", base / "server.pem", "-days", "3", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip


def _make_token_key(base: Path) -> None:
    folder = base / "keys" / "default" / "HS256"
    folder.mkdir(parents=True)
    (folder / "default").write_bytes(base64.b64encode(_TOKEN_KEY))

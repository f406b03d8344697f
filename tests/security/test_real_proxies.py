"""The two files of docs/proxy.md, run by a real nginx and a real Caddy before a real desk."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import Request

from api.app import create_app
from store.desk.agents import add_agent
from tests.api.conftest import settings_in
from tests.migrated import new_database
from tests.servers.ports import free_port

GUIDE = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text(encoding="utf-8")
NAME = "desk.example.com"
FORM = '[channels.form]\nkind = "web"\naddress = "form@desk.example"\n'


def block(language: str) -> str:
    found = re.search(rf"(?ms)^```{language}\n(.*?)^```$", GUIDE)
    assert found, language
    return found[1]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of our own for the desk's name; return the chain and the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False).sign(
        key, hashes.SHA256()
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    return chain, private


def nginx(folder: Path, *, port: int, desk: int) -> list[str]:
    chain, key = certificate(folder)
    site = block("nginx").replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8080", f"127.0.0.1:{desk}")
    site = site.replace("/etc/ssl/desk/fullchain.pem", str(chain)).replace("/etc/ssl/desk/privkey.pem", str(key))
    # The same directives with shorter waits, so that the test need not wait.
    site = site.replace("client_header_timeout 10s", "client_header_timeout 1s")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = (
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    (folder / "nginx.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, *, port: int, desk: int) -> list[str]:
    chain, key = certificate(folder)
    own = f"admin off\nhttp_port {free_port()}\nhttps_port {port}\nauto_https disable_redirects"
    site = block("caddy").replace("{\n", f"{{\n{own}\n", 1).replace("read_header 10s", "read_header 1s")
    site = site.replace(f"{NAME} {{\n", f"{NAME}:{port} {{\nbind 127.0.0.1\ntls {chain} {key}\n", 1)
    site = site.replace("127.0.0.1:8080", f"127.0.0.1:{desk}")
    (folder / "Caddyfile").write_text(site)
    return [shutil.which("caddy") or "caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


class ProxiedDesk:
    """A desk on a port of its own, and a proxy of the guide before it."""

    def __init__(self, folder: Path, command: Callable[..., list[str]]) -> None:
        self.port, self.inner = free_port(), free_port()
        self.is_caddy = command is caddy
        self.name = f"{NAME}:{self.port}"
        self.database = new_database(folder / "omniyard.db")
        with self.database.write() as connection:
            self.token = add_agent(connection, name="Ann", role="admin")[1]
        more = f'public_url = "https://{self.name}"\n{FORM}'
        app = create_app(settings_in(folder / "data", more=more), database=self.database)

        @app.get("/peer")
        def peer(request: Request) -> dict[str, Any]:
            kept = {name: value for name, value in request.headers.items() if "forward" in name or "real" in name}
            return {"host": request.client.host if request.client else "", "scheme": request.url.scheme, **kept}

        self.tail = app.state.desk.tail
        config = uvicorn.Config(app, host="127.0.0.1", port=self.inner, log_config=None, proxy_headers=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        self.log = (folder / "proxy.log").open("w+b")
        self.proxy = subprocess.Popen(
            command(folder, port=self.port, desk=self.inner),
            stdout=self.log,
            stderr=self.log,
            env={"HOME": str(folder), "PATH": "/usr/bin"},
        )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.proxy.poll() is None:
            try:
                if self.server.started and self.get("/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        self.log.seek(0)
        said = self.log.read().decode()
        self.stop()
        pytest.fail(f"the proxy does not answer: {said}")

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def request(self, method: str, path: str, *, host: str = "", headers: Any = None, **more: Any) -> httpx.Response:
        with httpx.Client(verify=False, timeout=60) as client:
            sent = {"Host": host or self.name, **(headers or {})}
            extensions = {"sni_hostname": NAME}
            url = f"https://127.0.0.1:{self.port}{path}"
            return client.request(method, url, headers=sent, extensions=extensions, **more)

    def has_answered(self, route: str) -> bool:
        """Whether an answer of the desk has ended; the desk is asked for its metrics without the proxy."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(timeout=60) as client:
            return f'route="{route}"' in client.get(f"http://127.0.0.1:{self.inner}/metrics", headers=headers).text

    def stop(self) -> None:
        # A proxy that ends with grace waits for streams, and for connections that send nothing.
        self.proxy.kill()
        self.proxy.wait(10)
        self.log.close()
        self.tail.stop()
        self.server.should_exit = True
        self.thread.join()
        self.database.close()


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(params=PROXIES, scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedDesk]:
    if shutil.which(request.param, path="/usr/bin:/usr/sbin:/usr/local/bin") is None:
        pytest.skip(f"{request.param} is not installed (tests/install-machine-parts.sh installs it)")
    running = ProxiedDesk(tmp_path_factory.mktemp(request.param), PROXIES[request.param])
    yield running
    running.stop()


def test_a_client_cannot_choose_its_address(desk: ProxiedDesk) -> None:
    claims = {"X-Forwarded-For": "198.51.100.9", "X-Real-IP": "198.51.100.9", "Forwarded": "for=198.51.100.9"}
    seen = desk.get("/peer", headers={**claims, "X-Forwarded-Proto": "http"}).json()
    assert (seen["host"], seen["scheme"]) == ("127.0.0.1", "https")
    assert "198.51.100.9" not in str(seen)


def test_an_agent_signs_in_and_another_site_does_not(desk: ProxiedDesk) -> None:
    form = {"token": desk.token}
    ours = desk.request("POST", "/sign-in", data=form, headers={"Origin": f"https://{desk.name}"})
    assert ours.status_code == 303
    assert ours.headers["set-cookie"].startswith("__Host-omniyard=")
    theirs = desk.request("POST", "/sign-in", data=form, headers={"Origin": "https://evil.example"})
    assert theirs.status_code == 403


def test_another_name_never_reaches_the_desk(desk: ProxiedDesk) -> None:
    answer = desk.get("/peer", host="evil.example")
    assert "host" not in answer.text
    assert "x-request-id" not in answer.headers


def test_a_proxy_hides_the_metrics(desk: ProxiedDesk) -> None:
    assert desk.get("/metrics").status_code == 404
    assert desk.get("/metrics", headers={"Authorization": f"Bearer {desk.token}"}).status_code == 404


def test_only_the_form_takes_a_large_body(desk: ProxiedDesk) -> None:
    large = b"x" * 200_000
    try:
        status = desk.request("POST", "/api/v1/quarantine/replay", content=large).status_code
    except (httpx.RemoteProtocolError, httpx.WriteError):
        # Caddy may close the connection while the client still sends.
        assert desk.is_caddy
    else:
        # Caddy passes the body on while it counts: 502 where its own limit is met before the desk's 413 has come back.
        assert status == 413 or (desk.is_caddy and status == 502)
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=b"}
    assert desk.request("POST", "/contact", content=large, headers=headers).status_code == 400


def test_events_are_passed_on_at_once(desk: ProxiedDesk) -> None:
    headers = {"Host": desk.name, "Authorization": f"Bearer {desk.token}", "Accept": "text/event-stream"}
    url = f"https://127.0.0.1:{desk.port}/api/v1/events/stream"
    with (
        httpx.Client(verify=False, timeout=60) as client,
        client.stream("GET", url, headers=headers, extensions={"sni_hostname": NAME}) as answer,
    ):
        assert next(answer.iter_lines()).startswith("retry:")
    # And the desk learns that the reader has gone.
    end = time.monotonic() + 60
    while not desk.has_answered("/api/v1/events/stream") and time.monotonic() < end:
        time.sleep(0.05)
    assert desk.has_answered("/api/v1/events/stream")


def test_a_header_that_never_ends_is_cut_off(desk: ProxiedDesk) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", desk.port), timeout=30)
    with context.wrap_socket(plain, server_hostname=NAME) as slow:
        slow.sendall(f"GET / HTTP/1.1\r\nHost: {desk.name}\r\nX-Slow: ".encode())
        # A proxy that waits on makes this end with an error.
        while slow.recv(1000):
            pass

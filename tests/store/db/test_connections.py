"""Ways to reach a real PostgreSQL: a socket, TLS with and without a checked certificate; and what is said otherwise."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.commands.check.command import check
from cli.commands.doctor import examine_database
from router.errors import OmniyardError
from router.settings import read_settings
from store.db.engine import Database
from store.db.migrate import upgrade
from tests.desk import text_in
from tests.servers.mailservers import make_certificate
from tests.servers.postgres import Postgres, _identity, find_binaries

_BINARIES = find_binaries()
_NO_TLS = b"SSL is not supported by this build"
HAS_TLS = _BINARIES is not None and _NO_TLS not in (_BINARIES / "postgres").read_bytes()
needs_tls = pytest.mark.skipif(not HAS_TLS, reason="this PostgreSQL is built without TLS: install Debian's")
pytestmark = pytest.mark.skipif(_BINARIES is None, reason="PostgreSQL is not installed")

_ADMITTED = """
local all omniyard trust
{host} all omniyard 127.0.0.1/32 trust
host all strict 127.0.0.1/32 scram-sha-256
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Run a server that admits its user by its socket, and over TCP by TLS alone; "strict" needs a password."""
    server = Postgres()
    (server.folder / "data" / "pg_hba.conf").write_text(_ADMITTED.format(host="hostssl" if HAS_TLS else "host"))
    if HAS_TLS:
        _use_tls(server)
    # A client under another user than the server must reach the socket.
    server.folder.chmod(0o755)
    try:
        server.start()
        server.execute("CREATE ROLE strict LOGIN PASSWORD 'hunter2'")
        yield server
    finally:
        server.stop()


def _use_tls(server: Postgres) -> None:
    make_certificate(server.folder)
    key = server.folder / "server.key"
    key.chmod(stat.S_IRUSR)
    if identity := _identity():
        os.chown(key, identity["user"], identity["group"])
    with (server.folder / "data" / "postgresql.conf").open("a") as file:
        file.write(f"ssl = on\nssl_cert_file = '{server.folder}/server.pem'\nssl_key_file = '{key}'\n")


def by_socket(server: Postgres) -> str:
    """Return the address by the socket, as PostgreSQL's manual writes it: the folder percent-encoded in the host."""
    return f"postgresql://omniyard@{str(server.folder).replace('/', '%2F')}:{server.port}/postgres"


def by_socket_in_query(server: Postgres) -> str:
    """Return the same address in the other form."""
    return f"postgresql:///postgres?host={server.folder}&port={server.port}&user=omniyard"


def by_hosts(server: Postgres) -> str:
    """Return an address of two servers, of which only the second one is there."""
    return f"postgresql://omniyard@127.0.0.1:1,127.0.0.1:{server.port}/postgres?target_session_attrs=read-write"


def by_tls(more: str, *, host: str = "localhost", user: str = "omniyard") -> Callable[[Postgres], str]:
    """Return what makes an address by TLS. more: further parameters, in which {ca} is the server's certificate."""

    def address(server: Postgres) -> str:
        return f"postgresql://{user}@{host}:{server.port}/postgres?{more}".replace(
            "{ca}", f"{server.folder}/server.pem"
        )

    return address


TLS_IN_USE = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
VERIFIED = "sslmode=verify-full&sslrootcert={ca}"


@pytest.mark.parametrize(
    ("address", "tls"),
    [
        (by_socket, False),
        (by_socket_in_query, False),
        (by_hosts, HAS_TLS),
        (by_tls(""), HAS_TLS),  # libpq prefers it
        pytest.param(by_tls("sslmode=require"), True, marks=needs_tls),
        pytest.param(by_tls("sslmode=verify-ca&sslrootcert={ca}"), True, marks=needs_tls),
        pytest.param(by_tls(VERIFIED), True, marks=needs_tls),
        pytest.param(by_tls(VERIFIED, user="strict:hunter2"), True, marks=needs_tls),
    ],
)
def test_a_database_is_reached_with_our_limits_and_is_shown_without_a_password(
    server: Postgres, address: Callable[[Postgres], str], tls: bool
) -> None:
    database = Database(address(server))
    with database.write() as connection:
        assert connection.exec_driver_sql(TLS_IN_USE).scalar_one() is tls
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "30s"
    assert "hunter2" not in database.shown
    database.close()


def test_both_sides_notice_a_silent_peer_within_fifteen_seconds(server: Postgres) -> None:
    # By TCP: a socket's peer cannot vanish.
    database = Database(by_tls("")(server))
    with database.read() as connection:
        names = ("tcp_user_timeout", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
        assert shown == ["15000", "5", "5", "2"]
        driver = connection.connection.dbapi_connection
        said = driver.info.get_parameters() if driver else {}
    assert [said[name] for name in ("tcp_user_timeout", "keepalives_idle", "keepalives_interval")] == [
        "15000",
        "5",
        "5",
    ]
    database.close()


def test_parameters_of_the_address_count_next_to_our_limits(server: Postgres) -> None:
    database = Database(f"{by_socket_in_query(server)}&options=-c%20work_mem%3D7MB%20-c%20statement_timeout%3D0")
    with database.read() as connection:
        names = ("work_mem", "statement_timeout", "jit")
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
    assert shown == ["7MB", "30s", "off"]
    database.close()
    assert Database("postgresql://h/d?password=hunter2&sslpassword=hunter2").shown.count("hunter2") == 0


def examined(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what `omniyard doctor` says of this database."""
    monkeypatch.setenv("SHARED_DATABASE", address)
    text = text_in(folder).replace("[omniyard]", '[omniyard]\ndatabase = "env:SHARED_DATABASE"', 1)
    try:
        return " ".join(examine_database(read_settings(text)).findings)
    except OmniyardError as error:
        return str(error)


@pytest.mark.parametrize("address", [by_socket, pytest.param(by_tls(VERIFIED), marks=needs_tls)])
def test_a_desk_is_migrated_by_a_socket_and_by_tls(
    server: Postgres, address: Callable[[Postgres], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(address(server))
    upgrade(database)
    database.close()
    said = examined(address(server), tmp_path, monkeypatch)
    assert "answers" in said
    assert "omniyard migrate" not in said


@pytest.mark.parametrize(
    ("address", "mend"),
    [
        pytest.param(by_tls("sslmode=disable"), "in the server's pg_hba.conf", marks=needs_tls),
        pytest.param(
            by_tls("sslmode=verify-full&sslrootcert=/no.pem"), "correct sslrootcert in [omniyard]", marks=needs_tls
        ),
        pytest.param(
            by_tls("sslmode=verify-full&sslrootcert=system"), "authority's certificate by sslrootcert", marks=needs_tls
        ),
        (by_tls("", user="strict:wrong"), "correct the user or the password in [omniyard] database"),
        (by_tls("", user="strict"), "write the password into [omniyard] database"),
        (lambda _: "postgresql://omniyard@%2Fnot%2Fthere/postgres", "the socket's folder and the port in [omniyard]"),
        (by_tls("sslmode=sure"), "its sslmode is none of disable, allow"),
        (by_tls("sslmod=require"), 'PostgreSQL knows no parameter "sslmod"; correct [omniyard] database'),
    ],
)
def test_doctor_says_what_to_change(
    server: Postgres, address: Callable[[Postgres], str], mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mend in examined(address(server), tmp_path, monkeypatch)


def test_doctor_says_that_no_standby_confirms_a_commit(
    server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "set synchronous_standby_names on each server" in examined(by_hosts(server), tmp_path, monkeypatch)
    assert "synchronous_standby_names" not in examined(by_tls("")(server), tmp_path, monkeypatch)


@needs_tls
def test_a_certificate_of_another_name_is_refused_in_words(
    server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{by_tls(VERIFIED, host='elsewhere.example')(server)}&hostaddr=127.0.0.1"
    assert "use a name that its certificate has as the host in" in examined(address, tmp_path, monkeypatch)


def test_a_server_without_tls_is_reported_to_have_none(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = examined(f"{postgres.url()}?sslmode=require", tmp_path, monkeypatch)
    assert "turn `ssl` on in the server's postgresql.conf, or correct sslmode in [omniyard] database" in said


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgresql://u:hunter2@h/d?sslmode=verify-full&sslrootcert=/not/there", "its sslrootcert names no file here"),
        ("postgresql://u:hunter2@h/d?sslmode=verify-ca", "with sslmode=verify-ca it needs sslrootcert"),
        ("postgresql://u:hunter2@h/d?sslmode=on", "its sslmode is none of disable, allow"),
        ("postgresql://u:hunter2@h/d?ssl_mode=require", 'PostgreSQL knows no parameter "ssl_mode"'),
        ("postgresql://u@%2Fnot%2Fthere/d", "the folder of its socket is not here"),
        ("postgresql:///d?host=/not/there", "the folder of its socket is not here"),
        ("postgresql://u@a:5432,b:port/d", "its host or port cannot be read"),
        ("postgresql://u@a:5432,b/d?target_session_attrs=read-write", ""),
        ("postgresql://u:hunter2@a:5432,b/d", "with several servers it needs target_session_attrs=read-write"),
        ("postgresql://u@%2Ftmp:5433/d", ""),
        ("postgresql://u@h/d?sslmode=verify-full&sslrootcert=system", ""),
    ],
)
def test_check_says_what_is_wrong_at_the_key(
    address: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_DATABASE", address)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DESK_KEY", "4f1d7a90c26b85e34f1d7a90c26b85e3")
    file = tmp_path / "channels.toml"
    text = text_in(tmp_path).replace(
        "[omniyard]", '[omniyard]\ndatabase = "env:SHARED_DATABASE"\nkey = "env:DESK_KEY"', 1
    )
    file.write_text(text, encoding="utf-8")
    found = [each for each in check(file, now=datetime.now(UTC)).findings if each.key == "omniyard.database"]
    assert [problem in each.message and "hunter2" not in each.message for each in found] == [True] * bool(problem)

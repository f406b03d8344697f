"""The address of a PostgreSQL database, as libpq's URLs are written: sockets, several hosts, TLS.

Nothing here shows a part of an address that may be a password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_AUTHORITY: Final = re.compile(r"\A(postgresql(?:\+psycopg)?://(?:[^@/?#]*@)?)([^@/?#]*)(/[^?#]*)?(\?.*)?\Z", re.DOTALL)
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?")
_DEFAULT_PORT: Final = "5432"
_NAME: Final = re.compile(r"[a-z_]{1,32}")
_VERIFYING: Final = frozenset({"verify-ca", "verify-full"})
_TLS_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# The parameters of libpq 18 (PostgreSQL's manual, "Parameter Key Words").
_PARAMETERS: Final = frozenset({
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
    "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts",
    "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer",
    "oauth_scope", "options", "passfile", "password", "port", "replication", "require_auth", "requirepeer",
    "scram_client_key", "scram_server_key", "service", "ssl_max_protocol_version", "ssl_min_protocol_version",
    "sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslkeylogfile", "sslmode",
    "sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "tcp_user_timeout", "user",
})  # fmt: skip
_WRITERS: Final = ("read-write", "primary")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
# Values of `sslrootcert` and others that are no files.
_NO_FILES: Final = frozenset({"", "system"})
_SECRETS: Final = re.compile(r"([?&](?:password|sslpassword|oauth_client_secret|scram_\w+)=)[^&#]*", re.IGNORECASE)


def plain_address(text: str) -> str:
    """Return an address with its hosts as parameters where they are a socket's folder (percent-encoded) or several.

    libpq reads both forms; SQLAlchemy reads only the second one.
    """
    found = _AUTHORITY.match(text)
    if found is None or not ("," in found[2] or "%2f" in found[2].lower()):
        return text
    hosts = [_HOST.fullmatch(each) for each in found[2].split(",")]
    if not all(hosts):
        return text
    names = ",".join(unquote(host[1]).strip("[]") for host in hosts if host)
    ports = ",".join(host[2] or _DEFAULT_PORT for host in hosts if host)
    query = f"{found[4]}&" if found[4] else "?"
    return f"{found[1]}{found[3] or '/'}{query}host={quote(names, safe='')}&port={quote(ports, safe='')}"


def shown_address(text: str) -> str:
    """Return a rendered address without the secrets that its parameters may hold."""
    return _SECRETS.sub(r"\1***", text)


def misspelt_parameters(text: str) -> Iterator[str]:
    """Yield the parameters of a PostgreSQL address that no server would take."""
    query = _query(text)
    for name in sorted(query.keys() - _PARAMETERS):
        # A password with an unescaped "?" could stand here.
        yield f'PostgreSQL knows no parameter "{name}"' if _NAME.fullmatch(name) else "it has an unknown parameter"
    if "sslmode" in query and query["sslmode"] not in _TLS_MODES:
        yield f"its sslmode is none of {', '.join(_TLS_MODES)}"


def uncertain_hosts(text: str) -> Iterator[str]:
    """Yield why an address of several servers may lead to a standby, which refuses every write."""
    query = _query(text)
    if "," in query.get("host", "") and query.get("target_session_attrs") not in _WRITERS:
        yield "with several servers it needs target_session_attrs=read-write, or a standby may be taken for the primary"


def missing_files(text: str) -> Iterator[str]:
    """Yield the files and folders that a PostgreSQL address names, or needs, and that are not on this machine."""
    query = _query(text)
    for name in _FILES:
        if query.get(name, "") not in _NO_FILES and not Path(query[name]).is_file():
            yield f"its {name} names no file here"
    mode = query.get("sslmode", "")
    if mode in _VERIFYING and "sslrootcert" not in query and not _has_usual_authority():
        yield f"with sslmode={mode} it needs sslrootcert, the certificate of the authority that signed the server's"
    for folder in query.get("host", "").split(","):
        if folder.startswith("/") and not Path(folder).is_dir():
            yield "the folder of its socket is not here"


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(plain_address(text)).query, keep_blank_values=True))


def _has_usual_authority() -> bool:
    """Return whether libpq finds a certificate where it looks by itself."""
    return "PGSSLROOTCERT" in os.environ or (Path.home() / ".postgresql" / "root.crt").is_file()

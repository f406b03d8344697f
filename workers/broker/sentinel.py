"""The address of a broker behind Sentinels: they say which server is the master now.

    sentinel://:PASSWORD@HOST:PORT,HOST:PORT,HOST:PORT/MASTER?db=0&sentinel_password=WORD

Nothing here shows a part of an address that may be a password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

SCHEME: Final = "sentinel"
_ADDRESS: Final = re.compile(
    r"\Asentinel://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?(?P<hosts>[^@/?#]+)/(?P<master>[^/?#]+)"
    r"(?:\?(?P<query>[^#]*))?\Z"
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::(\d{1,5}))?")
_DEFAULT_PORT: Final = 26379
_LARGEST_PORT: Final = 65_535
_PARAMETERS: Final = frozenset({"db", "sentinel_password"})
_EXAMPLE: Final = "sentinel://:PASSWORD@HOST:26379,HOST:26379,HOST:26379/MASTER"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """Where the Sentinels are, and what the master that they name asks for.

    master: its name in their configuration.  user, password: the master's.  sentinel_password: their own.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    db: int = 0


def is_sentinel(url: str) -> bool:
    """Return whether an address of a broker names Sentinels."""
    return url.startswith(f"{SCHEME}://")


def read_sentinel(url: str) -> SentinelAddress:
    """Read an address; raise ValueError, with a sentence that shows no password, when it cannot be read."""
    found = _ADDRESS.match(url)
    if found is None:
        raise ValueError(f"it is not in the form {_EXAMPLE}")
    query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    if unknown := query.keys() - _PARAMETERS:
        raise ValueError(f"its parameters are none of {', '.join(sorted(_PARAMETERS))} ({len(unknown)} unknown)")
    if not query.get("db", "0").isdecimal():
        raise ValueError("its db is no number")
    return SentinelAddress(
        hosts=tuple(_host(each) for each in found["hosts"].split(",")),
        master=unquote(found["master"]),
        user=unquote(found["user"] or "") or None,
        password=unquote(found["password"] or "") or None,
        sentinel_password=query.get("sentinel_password") or None,
        db=int(query.get("db", "0")),
    )


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    port = int(found[2] or _DEFAULT_PORT) if found else 0
    if found is None or not 0 < port <= _LARGEST_PORT:
        raise ValueError("its host or port cannot be read")
    return found[1].strip("[]"), port

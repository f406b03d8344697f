"""Agents' passwords and second factors, for people who sign in by name; programs keep their tokens.

A password is hashed by scrypt with the parameters of OWASP's Password Storage Cheat Sheet (N=2^16, r=8, p=2); one
of an older version (p=1) is hashed again at the next sign-in. The secret of the second factor (TOTP, RFC 6238) is
sealed like a message, and each of its codes counts once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlalchemy.engine import Connection

from router.errors import NotFound, PermanentError
from store.db.bulk import table_of
from store.db.encryption import sealer_of
from store.db.engine import read_clock
from store.desk.access.recovery_codes import drop_recovery_codes
from store.desk.agents import AgentRecord, find_by_name
from store.tables.agents import AgentRow

SHORTEST: Final = 10
LONGEST: Final = 200
_COST: Final = 2**16
_BLOCK: Final = 8
_LANES: Final = 2
# scrypt needs 128 * N * r bytes; OpenSSL refuses more than 32 MiB unless it is named.
_MEMORY: Final = 2 * 128 * _COST * _BLOCK
_SALT_BYTES: Final = 16
# RFC 4226 section 4: at least 128 bits, 160 recommended.
_SECRET_BYTES: Final = 20
_STEP_SECONDS: Final = 30
# The clock of a telephone may be half a minute off.
_STEPS_AROUND: Final = (0, -1, 1)
_NOTHING: Final = f"{_LANES}${'0' * 32}${'0' * 128}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRecord:
    """An agent whose password was right. secret: of the second factor; empty before it is set up.

    has_older_hash: an older version hashed the password; see `renew_hash`.
    """

    agent: AgentRecord
    secret: str
    has_older_hash: bool


def set_password(connection: Connection, *, name: str, password: str) -> None:
    """Set an agent's password and end the agent's sessions; the second factor stays.

    Raises PermanentError for a password that is too short or too long, NotFound for no such agent.
    """
    if not SHORTEST <= len(password) <= LONGEST or password.casefold() == name.casefold():
        raise PermanentError(f"a password has {SHORTEST} to {LONGEST} characters and is not the name")
    table = table_of(AgentRow)
    values = {"password_hash": _hash(password), "password_at": read_clock(connection)}
    _update(connection, name, values | {"session_epoch": table.c.session_epoch + 1})


def forget_second_factor(connection: Connection, *, name: str) -> None:
    """Remove an agent's second factor, as after a lost telephone; the next sign-in sets up another one."""
    table = table_of(AgentRow)
    values = {"totp_secret": "", "totp_step": None, "session_epoch": table.c.session_epoch + 1}
    _update(connection, name, values)
    statement = sa.select(table.c.id).where(table.c.name == name)
    drop_recovery_codes(connection, connection.execute(statement).scalar_one())


def check_password(connection: Connection, *, name: str, password: str) -> SignInRecord | None:
    """Return the agent if the password is right; None for a wrong one, an unknown agent, and one without a password.

    Each of them takes as long as the other.
    """
    agent = find_by_name(connection, name)
    columns = table_of(AgentRow).c
    row = None
    if agent is not None:
        statement = sa.select(columns.password_hash, columns.totp_secret).where(columns.id == agent.id)
        row = connection.execute(statement).one()
    known = row.password_hash if row is not None and row.password_hash else _NOTHING
    is_right = _matches(password[:LONGEST], known)
    if agent is None or row is None or not row.password_hash or not is_right:
        return None
    secret = sealer_of(connection).open_text(row.totp_secret)
    return SignInRecord(agent=agent, secret=secret, has_older_hash=_lanes_of(row.password_hash) < _LANES)


def renew_hash(connection: Connection, *, name: str, password: str) -> None:
    """Hash an agent's password again, by today's parameters; sessions go on. password: known to be right."""
    _update(connection, name, {"password_hash": _hash(password)})


def has_factor(connection: Connection, name: str) -> bool:
    """Return whether the agent has set up a second factor."""
    columns = table_of(AgentRow).c
    return bool(connection.execute(sa.select(columns.totp_secret).where(columns.name == name)).scalar_one_or_none())


def new_secret() -> str:
    """Return a secret for a new second factor, in base 32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def use_code(connection: Connection, agent: AgentRecord, *, code: str, now: datetime, offered: str = "") -> bool:
    """Return whether the code is one of this moment that was not used before; then it is used.

    offered: the secret of a factor that is being set up; it counts, and is kept, only for an agent without one.
    """
    table, sealer = table_of(AgentRow), sealer_of(connection)
    stored = connection.execute(sa.select(table.c.totp_secret).where(table.c.id == agent.id)).scalar_one()
    secret = sealer.open_text(stored) if stored else offered
    step = _step_of(secret, code, now=now) if secret else None
    if step is None:
        return False
    is_new = sa.or_(table.c.totp_step.is_(None), table.c.totp_step < step)
    statement = sa.update(table).where(table.c.id == agent.id, table.c.totp_secret == stored, is_new)
    values = {"totp_secret": stored or sealer.seal_text(secret), "totp_step": step}
    return bool(connection.execute(statement.values(**values)).rowcount)


def _step_of(secret: str, code: str, *, now: datetime) -> int | None:
    said = "".join(char for char in code if char.isascii() and char.isdigit())
    step = int(now.timestamp()) // _STEP_SECONDS
    found = [step + around for around in _STEPS_AROUND if hmac.compare_digest(_code(secret, step + around), said)]
    return found[0] if found else None


def _code(secret: str, step: int) -> str:
    # RFC 6238 section 1.2: HMAC-SHA-1 and six digits, as every authenticator has them.
    key = HOTP(base64.b32decode(secret), 6, SHA1())  # noqa: S303
    return key.generate(step).decode()


def _hash(password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"{_LANES}${salt.hex()}${_scrypt(password, salt, lanes=_LANES).hex()}"


def _matches(password: str, stored: str) -> bool:
    lanes = _lanes_of(stored)
    salt, known = stored.split("$")[-2:]
    # An older hash is made as often as takes the time of a new one.
    keys = [_scrypt(password, bytes.fromhex(salt), lanes=lanes) for _ in range(_LANES // lanes)]
    return hmac.compare_digest(keys[0], bytes.fromhex(known))


def _lanes_of(stored: str) -> int:
    """Return the parallelism of a stored hash: "lanes$salt$key"; older versions wrote "salt$key", with one."""
    lanes, *others = stored.split("$")
    return int(lanes) if len(others) > 1 else 1


def _scrypt(password: str, salt: bytes, *, lanes: int) -> bytes:
    said = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(said, salt=salt, n=_COST, r=_BLOCK, p=lanes, maxmem=_MEMORY)


def _update(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    table = table_of(AgentRow)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    if not connection.execute(statement.values(**values)).rowcount:
        raise NotFound("there is no agent of that name")

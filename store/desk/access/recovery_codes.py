"""Recovery codes: ten of them stand in for an agent's second factor, each once, as after a lost telephone.

A code has 80 random bits, for which a fast hash is right. It is shown once, when it is made.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_rows, table_of
from store.db.engine import read_clock
from store.tables.agents import RecoveryCodeRow

CODES: Final = 10
_CODE_BYTES: Final = 10
_GROUP: Final = 4
# Base 32 has neither 0 nor 1 nor 8: a person who reads them from paper means these letters.
_MISREAD: Final = str.maketrans("018", "OIB")


def make_recovery_codes(connection: Connection, agent_id: UUID) -> list[str]:
    """Make new codes for an agent and return them; the earlier ones are no longer valid."""
    drop_recovery_codes(connection, agent_id)
    codes, now = [_new() for _ in range(CODES)], read_clock(connection)
    rows = [{"agent_id": agent_id, "code_hash": _hash(agent_id, code), "made_at": now} for code in codes]
    insert_rows(connection, RecoveryCodeRow, rows=rows)
    return codes


def use_recovery_code(connection: Connection, agent_id: UUID, code: str) -> bool:
    """Return whether it is one of the agent's unused codes; then it is used."""
    table = table_of(RecoveryCodeRow)
    statement = sa.update(table).where(
        table.c.agent_id == agent_id, table.c.code_hash == _hash(agent_id, code), table.c.used_at.is_(None)
    )
    return bool(connection.execute(statement.values(used_at=read_clock(connection))).rowcount)


def count_recovery_codes(connection: Connection, agent_id: UUID) -> int:
    """Return how many codes are left."""
    table = table_of(RecoveryCodeRow)
    statement = sa.select(sa.func.count()).select_from(table)
    return int(
        connection.execute(statement.where(table.c.agent_id == agent_id, table.c.used_at.is_(None))).scalar_one()
    )


def drop_recovery_codes(connection: Connection, agent_id: UUID) -> None:
    """Delete an agent's codes."""
    table = table_of(RecoveryCodeRow)
    connection.execute(sa.delete(table).where(table.c.agent_id == agent_id))


def _new() -> str:
    letters = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP)).lower()


def _hash(agent_id: UUID, code: str) -> str:
    letters = "".join(char for char in code.upper().translate(_MISREAD) if char.isascii() and char.isalnum())
    return hashlib.sha256(f"{agent_id.hex}.{letters}".encode()).hexdigest()

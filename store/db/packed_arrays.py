"""Arrays for PostgreSQL in its binary form, packed at once: the driver calls a function for each value of an array.

Source of the form: `array_recv` and the `recv` function of each type in PostgreSQL; object ids from its `pg_type.dat`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from struct import Struct
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from store.db.written_json import json_bytes

# The dimensions, whether there may be NULLs, the type of the values, their number, the first place.
_HEAD: Final = Struct("!iiIii").pack
_MAY_HAVE_NULLS: Final = 1
_LENGTH: Final = Struct("!i").pack
_NULL: Final = _LENGTH(-1)
_UUID_LENGTH: Final = _LENGTH(16)
_INTEGER: Final = Struct("!ii").pack
_BIGINT: Final = Struct("!iq").pack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOMENTS: Final = 1024
_TYPES: Final = 1024

_Pack = Callable[[Any], bytes]


class Packed(bytes):
    """An array as PostgreSQL receives it. The statement names its type by a cast."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ArrayForm:
    """How arrays of one type are packed. name: of the type in SQL.  number: PostgreSQL's for the type."""

    name: str
    number: int
    pack: _Pack

    def __call__(self, values: Sequence[Any]) -> Packed:
        """Return the array. values: None is NULL; of JSON the driver's wrappers, of all other types plain ones."""
        pack = self.pack
        packed = [_NULL if value is None else pack(value) for value in values]
        return Packed(b"".join((_HEAD(1, _MAY_HAVE_NULLS, self.number, len(packed), 1), *packed)))


@lru_cache(maxsize=_TYPES)
def array_form(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> ArrayForm | None:
    """Return the form for arrays of a column's type; None where the driver has to pack them."""
    name = type_.compile(dialect=dialect).partition(" COLLATE ")[0]
    known = _FORMS.get(name.partition("(")[0])
    if known is None:
        return None
    return ArrayForm(name, *known)


@cache
def introduce() -> None:
    """Let the driver of PostgreSQL know `Packed`."""
    # Only a desk on PostgreSQL needs the driver.
    import psycopg  # noqa: PLC0415
    from psycopg.adapt import Dumper  # noqa: PLC0415

    class PackedDumper(Dumper):
        """Sends it as it is."""

        format = psycopg.pq.Format.BINARY

        def dump(self, obj: Packed) -> bytes:
            """See `psycopg.abc.Dumper`."""
            return obj

    psycopg.adapters.register_dumper(Packed, PackedDumper)


def _text(value: str) -> bytes:
    said = value.encode()
    return _LENGTH(len(said)) + said


def _uuid(value: UUID) -> bytes:
    return _UUID_LENGTH + value.int.to_bytes(16, "big")


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _json(wrapper: Any) -> bytes:  # noqa: ANN401  (the driver's)
    # Before the text stands the version of this form.
    return _bytes(b"\1" + json_bytes(wrapper.obj))


def _bool(value: bool) -> bytes:
    return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


# The rows of a batch share their moments, in all tables: the clock's, and those of one receipt.
@lru_cache(maxsize=_MOMENTS)
def _moment(value: datetime) -> bytes:
    return _BIGINT(8, (value - _EPOCH) // _MICROSECOND)


_FORMS: Final[Mapping[str, tuple[int, _Pack]]] = {
    "BOOLEAN": (16, _bool),
    "BYTEA": (17, _bytes),
    "TEXT": (25, _text),
    "TIMESTAMP WITH TIME ZONE": (1184, _moment),
    "UUID": (2950, _uuid),
    "VARCHAR": (1043, _text),
    "BIGINT": (20, lambda value: _BIGINT(8, value)),
    "INTEGER": (23, lambda value: _INTEGER(4, value)),
    "JSONB": (3802, _json),
}

"""The fields of the pages' forms; who may send one is asked by `api.http.authentication`, which refuses foreign pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, Request

from api.http.problems import ProblemError

# A form of ours has a dozen; a list of chosen rows has a page of them.
_MOST_FIELDS: Final = 120


@dataclass(frozen=True, slots=True)
class Fields:
    """What a form sent. A field that is not there is empty, as one that was left empty is."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return a field's value, without the blanks around it."""
        return self.whole(name).strip()

    def whole(self, name: str) -> str:
        """Return a field's value with its line ends as one character each; browsers send two."""
        return next(iter(self.values.get(name, ())), "").replace("\r\n", "\n")

    def many(self, name: str) -> list[str]:
        """Return every value of a field that may be there several times."""
        return [value.strip() for value in self.values.get(name, ()) if value.strip()]

    def number(self, name: str) -> int | None:
        """Return a field as a number, None if it is none."""
        said = self.one(name)
        return int(said) if said.isascii() and said.isdigit() and len(said) < 18 else None


async def fields_of(request: Request) -> Fields:
    """Return the fields of an urlencoded form; the boundary has limited the body's size."""
    body = await request.body()
    try:
        return Fields(parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS, strict_parsing=bool(body)))
    except (ValueError, UnicodeDecodeError) as error:
        raise ProblemError("bad-request", "this form cannot be read") from error


Form = Annotated[Fields, Depends(fields_of)]


def ours(address: str) -> str:
    """Return the address if it is a path of this desk, else the inbox."""
    # `//host` and `/\host` are other sites to a browser.
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_path and address.isprintable() else "/"

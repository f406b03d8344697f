"""Read the fields of the pages' forms. `api.http.authentication` decides who may send one, and refuses other sites."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, Request

from api.http.null_characters import HAS_NULL
from api.http.problems import ProblemError

# A form of ours has a dozen fields; one with a list of selected rows has a page of them.
_MOST_FIELDS: Final = 120
# Characters in the fields of a form with files: the sign-in form has room for as many, and a mail has half of them.
_MOST_TEXT: Final = 40_000

# Names and contents.
Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form. A missing field is empty, like one that was left empty."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return a field's value, without surrounding blanks."""
        return self.whole(name).strip()

    def whole(self, name: str) -> str:
        """Return a field's value with one character per line end; browsers send two."""
        return next(iter(self.values.get(name, ())), "").replace("\r\n", "\n")

    def many(self, name: str) -> list[str]:
        """Return all values of a field that may be repeated."""
        return [value.strip() for value in self.values.get(name, ()) if value.strip()]

    def number(self, name: str) -> int | None:
        """Return a field as a number, None if it is not a number."""
        said = self.one(name)
        return int(said) if said.isascii() and said.isdigit() and len(said) < 18 else None


async def fields_of(request: Request) -> Fields:
    """Return the fields of a form, without its files: see `filled_form`."""
    # A form with files whose session had ended arrives here too: the sign-in form holds what was typed.
    return (await filled_form(request))[0]


async def filled_form(request: Request) -> tuple[Fields, Files]:
    """Return the fields and the files of a form; the middleware has limited the body's size.

    Raises ProblemError for a body that is no form, and for fields that only a form without files may not have.
    """
    body, said = await request.body(), request.headers.get("content-type", "")
    if said.lower().startswith("multipart/"):
        filled = read_multipart(body, content_type=said)
        return Fields({name: [value] for name, value in _usual(filled.fields).items()}), filled.files
    return _urlencoded(body), ()


def _usual(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields that came with files, which the middlewares for forms without files have not read."""
    if sum(map(len, fields.values())) > _MOST_TEXT:
        raise ProblemError("too-large")
    if any("\x00" in text for text in (*fields, *fields.values())):
        raise ProblemError("bad-request", HAS_NULL)
    return fields


def _urlencoded(body: bytes) -> Fields:
    try:
        return Fields(parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS, strict_parsing=bool(body)))
    except (ValueError, UnicodeDecodeError) as error:
        raise ProblemError("bad-request", "this form cannot be parsed") from error


Form = Annotated[Fields, Depends(fields_of)]


def ours(address: str) -> str:
    """Return the address if it is a path of this desk, else the inbox."""
    # Browsers take `//host` and `/\host` for other sites.
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_path and address.isprintable() else "/"


# Read a form with files (RFC 7578), strictly: refuse what no browser sends, and read nothing twice.
# Source of the limits: CVE-2023-30798, CVE-2024-53981 and similar, where parts, headers or noise were not limited.

_MOST_PARTS: Final = 40
_LONGEST_HEAD: Final = 2_000
_BOUNDARY: Final = re.compile(r'multipart/form-data;\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)
# The format of browsers (HTML Living Standard, section 4.10.21.8): quotes and line breaks in names are escaped.
_NAME: Final = re.compile(rb'(?:^|;) ?name="([^"\r\n]{1,100})"')
_FILE: Final = re.compile(rb'; ?filename="([^"\r\n]{0,1000})"')
_UNREADABLE: Final = "this form cannot be parsed"


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled form: fields by name, the first value of each; files with their names."""

    fields: dict[str, str]
    files: tuple[tuple[str, bytes], ...]


def read_multipart(body: bytes, *, content_type: str) -> Filled:
    """Return the form. Raises ProblemError when the body is not a form."""
    boundary = _BOUNDARY.fullmatch(content_type.strip())
    if boundary is None:
        raise ProblemError("bad-request", _UNREADABLE)
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode(), _MOST_PARTS + 1)
    if parts[0].strip() or len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise ProblemError("bad-request", _UNREADABLE)
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    for part in parts[1:-1]:
        name, file, content = _part(part)
        if file is None:
            fields.setdefault(name, content.decode("utf-8", "replace"))
        elif content:
            files.append((file, content))
    return Filled(fields, tuple(files))


def _part(part: bytes) -> tuple[str, str | None, bytes]:
    head, blank, content = part.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n") if len(head) <= _LONGEST_HEAD and blank else []
    said = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"content-disposition:")]
    name = _NAME.search(said[0].removeprefix(b"form-data")) if len(said) == 1 else None
    if name is None:
        raise ProblemError("bad-request", _UNREADABLE)
    file = _FILE.search(said[0])
    return name[1].decode("utf-8", "replace"), file[1].decode("utf-8", "replace") if file else None, content

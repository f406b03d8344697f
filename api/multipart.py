"""Read a form with files (RFC 7578), strictly: what no browser sends is refused, and nothing is read twice.

Source of the bounds: CVE-2023-30798, CVE-2024-53981 and their like, where parts, headers or noise had none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from api.http.problems import ProblemError

_MOST_PARTS: Final = 40
_LONGEST_HEAD: Final = 2_000
_BOUNDARY: Final = re.compile(r'multipart/form-data;\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)
# What browsers write (HTML Living Standard, section 4.10.21.8): quotes and line breaks in names are escaped.
_NAME: Final = re.compile(rb'(?:^|;) ?name="([^"\r\n]{1,100})"')
_FILE: Final = re.compile(rb'; ?filename="([^"\r\n]{0,1000})"')
_UNREADABLE: Final = "this form cannot be read"


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled form: fields by name, the first of each; files as they were named."""

    fields: dict[str, str]
    files: tuple[tuple[str, bytes], ...]


def read_multipart(body: bytes, *, content_type: str) -> Filled:
    """Return the form. Raises ProblemError when it is none."""
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

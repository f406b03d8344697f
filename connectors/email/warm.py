"""Load what the reader loads on first use, before it gives up the right to open files."""

from __future__ import annotations

import encodings
import importlib
import pkgutil
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Final

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise

# Codecs for platforms that we do not run on.
_ABSENT: Final = frozenset({"mbcs", "oem"})
_SAMPLES: Final = (
    b"From: a@example.com\nSubject: =?gb2312?B?xOO6ww==?=\nDate: Mon, 5 Jan 2026 10:00:00 +0800\n\nHello\n",
    b"From: a@example.com\nContent-Type: text/html\n\n<html><body><p>Hello <b>you</b><table><tr><td>1</table>\n",
    b"From: \xc4\xe3\xba\xc3 <a@example.com>\nDate: never\nSubject: \xd6\xd0\xb9\xfa\xb5\xc4\n\n\xc4\xe3\xba\xc3\n",
    b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n",
    (
        b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain; name*=utf-8''a\nContent-Transfer-Encoding: base64\n\n!!!!\n--x--\n"
    ),
)  # fmt: skip


def warm() -> None:
    """Import every codec, and read one mail of each kind that takes another road through the libraries."""
    for module in pkgutil.iter_modules(encodings.__path__):
        if module.name not in _ABSENT:
            importlib.import_module(f"encodings.{module.name}")
    for sample in _SAMPLES:
        normalise(RawMessage(source_key="", content=sample, received_at=datetime.now(UTC)), channel="")
        message_from_bytes(sample).as_bytes()

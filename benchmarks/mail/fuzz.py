"""Mutate mails at random and read them: only `UnreadableMail` may be raised, and every envelope must survive its JSON.

`python -m benchmarks.mail.fuzz --seconds 3600 --seed 1 FOLDER...` takes the mails to mutate from folders of mail.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connectors.base import RawMessage
from connectors.email.mime.normalise import attachment_content, normalise
from connectors.email.mime.parts import UnreadableMail
from router.envelope import from_json, to_json

_NOW: Final = datetime(2026, 3, 2, tzinfo=UTC)
# A zero as JSON writes it; after an even number of backslashes, because a mail may contain the text `\\u0000`.
_ZERO: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
# Pieces that steer a parser: a blind mutation would need years to write them.
_TOKENS: Final = (
    b"\n\n", b"\r\n", b"\r", b"\n", b"--", b"--edge", b"--edge--", b": ", b";", b'"', b"<", b">", b"(", b")", b"@",
    b"=?utf-8?B?", b"=?gb2312?q?", b"?=", b"=", b"=0D=0A", b"\0", b"\xff", b"\xc4\xe3", b"\x1b$B", b"\x1b(B", b"\x1b(I",
    b"Content-Type: multipart/mixed; boundary=edge\n", b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/html\n",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n", b"charset=utf-7", b"charset=hz",
    b"charset=utf-16", b"charset=iso-2022-jp", b"charset=iso-2022-kr", b"charset=x", b"format=flowed; delsp=yes",
    b"filename*0*=gb2312''%D5", b"filename*1*=%CB", b"begin 644 a\n", b"`\nend\n", b"From: ", b"Date: ", b"+2AA-",
    b"<div>", b"</html>", b"<pre>", b"<blockquote>", b"&#0;", b"&#xD800;", b"cid:", b"Reporting-MTA: dns; x\n\n",
)  # fmt: skip


def mutate(content: bytes, *, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """Return the mail with one to twelve mutations."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 12)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(6):
            case 0:
                data[at:at] = dice.choice(_TOKENS)
            case 1:
                del data[at : at + dice.choice((1, 2, 10, 100))]
            case 2:
                data[at : at + 1] = dice.randbytes(1)
            case 3:
                data[at:at] = data[at : at + dice.randrange(200)] * dice.choice((1, 2, 20))
            case 4:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                data[at:at] = other[start : start + dice.randrange(400)]
            case _:
                data[at : at + 4] = dice.choice(_TOKENS)
    return bytes(data[:200_000])


def survives(content: bytes) -> bool:
    """Return whether the mail could be read. Raises every other exception."""
    message = RawMessage(source_key="1:1", content=content, received_at=_NOW)
    try:
        envelope = normalise(message, channel="fuzz")
    except UnreadableMail:
        return False
    document = to_json(envelope)
    if from_json(document) != envelope:
        raise AssertionError("The envelope does not survive its JSON.")
    if _ZERO.search(document):
        raise AssertionError("A zero got into the envelope.")
    for attachment in envelope.attachments:
        if len(attachment_content(content, attachment.part)) != attachment.size:
            raise AssertionError("An attachment cannot be found again.")
    return True


def fuzz(folders: Sequence[Path], *, seconds: float, seed: int) -> dict[str, object]:
    """Mutate and read mails for that long. Returns counts, the slowest read, and each failure once, by its kind."""
    seeds = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.eml"))]
    dice = random.Random(seed)
    read = unreadable = 0
    slowest, slowest_mail = 0.0, b""
    failures: dict[str, str] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        content = mutate(dice.choice(seeds), dice=dice, others=seeds)
        started = time.process_time()
        try:
            good = survives(content)
            read, unreadable = read + good, unreadable + (not good)
        # Any exception is a finding.
        except Exception as error:  # noqa: BLE001
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            line = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else ""
            failures.setdefault(f"{type(error).__name__} {Path(line).name}", f"{error} | {content[:4000]!r}")
        took = time.process_time() - started
        if took > slowest:
            slowest, slowest_mail = took, content
    return {
        "read": read, "unreadable": unreadable, "failures": failures, "seed": seed,
        "slowest_ms": round(slowest * 1000, 1), "slowest": repr(slowest_mail[:2000]),
    }  # fmt: skip


def main() -> None:
    """Fuzz as the command line says and print the result as JSON; exit code 1 if there were findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("tests/data/mail")])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    result = fuzz(options.folders, seconds=options.seconds, seed=options.seed)
    print(json.dumps(result, indent=1))
    raise SystemExit(1 if result["failures"] else 0)


if __name__ == "__main__":
    main()

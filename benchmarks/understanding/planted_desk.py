"""Secrets through the whole pipeline: planted in mails, stored, queued, routed; then everything left is searched.

Searched are every value of the database, every word of its search index, every file of the data folder (the database's
own, its write-ahead log, the broker's append-only file), every key of the broker, and what was logged. Codes of three to six
digits would be found anywhere by chance: of those, and of passwords, only the texts that people and programs read are
searched; of card, identity and passport numbers every byte.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import redis
import sqlalchemy as sa

from benchmarks.understanding.planted_secrets import Planted, planted
from connectors.base import Batch, RawMessage
from router.settings import read_settings
from store.db.engine import Database
from store.db.migrate import upgrade
from store.db.open import open_database
from workers.broker.doorbell import Bell
from workers.broker.embedded import EmbeddedBroker
from workers.intake.intake import Intake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter
from workers.runtime.logs import configure_logging

_DESK: Final = """
[omniyard]
data = "{data}"
[channels.mail]
kind = "smtp"
address = "support@desk.example"
[categories.refund]
keywords = ["refund", "退款"]
facts = ["account", "transaction"]
[[routes]]
name = "all"
team = "desk"
"""
_BATCH: Final = 100
_PLACES: Final = ("text", "html", "subject", "quoted", "file name", "attached text", "sender", "header")
_UNSEEN: Final = re.compile(r"<[^<>]*>|&\w+;|\\[nrt]|[\s\-.–>\u200b-\u200f\u2060\ufeff\u00ad]")
_VIRTUAL: Final = sa.text("SELECT 1 FROM sqlite_master WHERE name = :name AND sql LIKE 'CREATE VIRTUAL%'")
_BROKEN: Final = re.compile(r"(?<=\d)(?:<br>)?\r?\n[>\s]*(?=\d)")
_PASSPORT: Final = re.compile(r"(?=([A-Z]{1,2}\d{8}))")
# This many characters next to a secret distinguish its sentence from one of our numbers.
_AROUND: Final = 8
_RUN: Final = re.compile(r"\d{13,}[0-9X]?")
_SEARCHED_EVERYWHERE: Final = frozenset({"card", "id_card", "passport"})
# Columns in which people, programs or a search would read the words.
_READ: Final = ("subject", "text", "quoted", "html", "sender_name", "name", "trace", "payload", "evidence", "detail")


def search(*, count: int) -> dict[str, object]:
    """Send `count` secrets through a desk and return how many can be found afterwards, by kind and by place."""
    secrets = list(planted(count))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        _work(secrets, data)
        left = list(_found(secrets, data))
    return {
        "planted": len(secrets),
        "places": list(_PLACES),
        "left": len(left),
        "left_by_kind": dict(Counter(one.kind for one, _ in left)),
        "left_by_place": dict(Counter(place for _, place in left)),
        "samples": [f"{place}: {one.text}" for one, place in left[:5]],
    }


def _work(secrets: Sequence[Planted], data: Path) -> None:
    settings = read_settings(_DESK.format(data=data))
    broker = EmbeddedBroker(data)
    process = subprocess.Popen(broker.prepare(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    database = open_database(settings)
    try:
        broker.wait_until_ready(10)
        upgrade(database)
        with _logged(data / "desk.log"):
            configure_logging("debug")
            _receive(secrets, database, url=broker.url)
            router = MessageRouter(database, build_brain(settings))
            while router.route_oldest() or router.route_alone():
                pass
        _dump(database, data / "database.dump")
        with redis.Redis.from_url(broker.url) as client:
            keys = [key + b" " + (client.dump(key) or b"") for key in client.keys("*")]
            (data / "broker.dump").write_bytes(b"\n".join(keys))
    finally:
        database.close()
        process.terminate()
        process.wait()


def _receive(secrets: Sequence[Planted], database: Database, *, url: str) -> None:
    intake, at = Intake(database, bell=Bell(lambda: url)), datetime.now(UTC)
    mails = [
        RawMessage(source_key=str(n), content=_mail(n, one), received_at=at + timedelta(seconds=n))
        for n, one in enumerate(secrets)
    ]
    for first in range(0, len(mails), _BATCH):
        intake.take(Batch(channel="mail", messages=mails[first : first + _BATCH], cursor=None))
    intake.close()


def _mail(number: int, one: Planted) -> bytes:
    """Return a mail with the secret in one place, within the words of its sentence."""
    # A subject, a name and a header have one line: a person who writes a number there does not break it.
    place, line = _PLACES[number % len(_PLACES)], " ".join(_BROKEN.sub("", one.text).split())
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"c{number}@customer.example"
    mail["To"] = "support@desk.example"
    mail["Subject"] = line if place == "subject" else f"question {number}"
    mail["Message-ID"] = f"<{number}@customer.example>"
    if place == "sender":
        mail.replace_header("From", f'"{line.replace(chr(92), "").replace(chr(34), "")}" <c{number}@customer.example>')
    if place == "header":
        mail["X-Note"] = line
    old = "\n".join(f"> {row}" for row in one.text.splitlines())
    text = f"On Mon, 5 Jan 2026 support wrote:\n{old}" if place == "quoted" else f"Please help with case {number}."
    mail.set_content(one.text if place == "text" else text)
    if place == "html":
        mail.add_alternative(f"<html><body>{one.text}</body></html>", subtype="html")
    if place in {"file name", "attached text"}:
        name = f"{line.replace('/', ' ')[:120]}.txt" if place == "file name" else "note.txt"
        mail.add_attachment(one.text if place == "attached text" else "empty", filename=name)
    return mail.as_bytes()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Redirect this process's output into a file."""
    kept = [os.dup(number) for number in (1, 2)]
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


def _dump(database: Database, path: Path) -> None:
    """Write every value of every table, and in a second file the text columns."""
    everything, words = [], _indexed(database)
    names = sa.inspect(database.engine).get_table_names()
    with database.read() as connection:
        for name in names:
            if connection.execute(_VIRTUAL, {"name": name}).scalar():
                continue
            for row in connection.execute(sa.text(f'SELECT * FROM "{name}"')).mappings():
                everything += [bytes(v) if isinstance(v, bytes) else str(v).encode() for v in row.values()]
                words += [str(row[column]) for column in _READ if column in row]
    path.write_bytes(b"\n".join(everything))
    path.with_name("words.txt").write_text("\n".join(words), encoding="utf-8")


def _indexed(database: Database) -> list[str]:
    """Return every word in SQLite's full-text index."""
    with sqlite3.connect(str(database.url.database)) as connection:
        indexes = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5 (%'").fetchall()
        for (name,) in indexes:
            connection.execute(f"CREATE VIRTUAL TABLE temp.words_of_{name} USING fts5vocab('main', '{name}', 'row')")
        return [row[0] for (name,) in indexes for row in connection.execute(f"SELECT term FROM temp.words_of_{name}")]


def _found(secrets: Sequence[Planted], data: Path) -> Iterator[tuple[Planted, str]]:
    numbers = {re.sub(r"[-.\s]", "", one.secret): one for one in secrets if one.kind in _SEARCHED_EVERYWHERE}
    files = [path for path in data.rglob("*") if path.is_file()]
    for path in files:
        bare = _bare(path.read_bytes().decode("utf-8", "replace"))
        yield from ((numbers[found], path.name) for found in _PASSPORT.findall(bare) if found in numbers)
        for run in _RUN.findall(bare):
            for length in range(13, 20):
                for start in range(len(run) - length + 1):
                    if run[start : start + length] in numbers:
                        yield numbers[run[start : start + length]], path.name
    yield from _in_words([one for one in secrets if one.kind not in _SEARCHED_EVERYWHERE], data)


def _in_words(secrets: Sequence[Planted], data: Path) -> Iterator[tuple[Planted, str]]:
    """Search the texts for whole sentences with their secret: a bare code would be found by chance."""
    texts = {name: _bare((data / name).read_text(encoding="utf-8")) for name in ("words.txt", "desk.log")}
    for one in secrets:
        sentence = _bare(one.text)
        at = sentence.find(_bare(one.secret))
        end = at + len(_bare(one.secret))
        wanted = sentence[max(0, at - _AROUND) : end if at >= _AROUND else end + _AROUND] if at >= 0 else one.secret
        for name, text in texts.items():
            if wanted in text:
                yield one, name


def _bare(text: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))

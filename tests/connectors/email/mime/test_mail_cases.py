"""Small mails after faults that people reported of other programs, each with the value that is right."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.commands.parse import describe
from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from tests.absent_inputs import NO_CASES

CASES = Path(os.environ.get("OMNIYARD_CASES", Path(__file__).resolve().parents[5] / "shared" / "cases")) / "mail"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
EXPECTED = CASES / "expected.jsonl"
ROWS = [json.loads(line) for line in EXPECTED.read_text("utf-8").splitlines()] if EXPECTED.is_file() else []
# Files whose row has only a rule: the words that a person reads, and in which charset they stand.
READ_AS = {
    "85-gbk-no-charset-7bit-label": "gb18030",
    "95-gbk-latin1-label": "gb18030",
    "97-gbk-ascii-label-zh-subject": "gb18030",
    "gbk-body-latin1-label": "gb18030",
    "big5-without-label-0": "big5",
    "big5-as-ascii": "big5",
}


def read(name):
    message = RawMessage(source_key=name, content=(CASES / name).read_bytes(), received_at=NOW)
    return normalise(message, channel="cases")


def value_of(found, key):
    """Return what is compared with a row's value."""
    if key == "attachments":
        return [each["name"] for each in found["attachments"]]
    if key == "attachments_count":
        return len(found["attachments"])
    if key in {"from", "correspondent"}:
        return re.sub(r"^.*<|>.*$", "", str(found.get(key)))
    return (found["date"] or "").replace("+00:00", "Z") if key == "date" else found[key]


@pytest.fixture(autouse=True)
def _cases():
    if not ROWS:
        pytest.skip(NO_CASES)


@pytest.mark.parametrize("row", ROWS or [{}], ids=lambda row: row.get("file", "absent"))
def test_a_case_gives_the_value_that_is_right(row):
    found = describe(read(row["file"]))
    for key in row.keys() - {"file", "rule", "text_contains"} & (found.keys() | {"attachments_count"}):
        assert value_of(found, key) == row[key], (key, row["rule"])
    assert row.get("text_contains", "") in found["text"], row["rule"]


@pytest.mark.parametrize(("name", "charset"), READ_AS.items())
def test_a_false_label_is_seen_through_and_named(name, charset):
    envelope = read(f"{name}.eml")
    content = (CASES / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")
    written = content.partition(b"\n\n")[2].decode(charset).strip()
    assert envelope.text == written
    assert any(defect.startswith("A text is labelled") for defect in envelope.defects)

"""Dates and file names as programs write them, against RFC 5322 and RFC 2231."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import RawMessage
from connectors.email.mime.dates import read_date
from connectors.email.mime.normalise import normalise
from tests.growth import grows_linearly

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("Sat, 28 Nov 2026 10:00:00 GMT+8", 2),
        ("Sat, 28 Nov 2026 10:00:00 GMT+0800 (CST)", 2),
        ("Sat, 28 Nov 2026 10:00:00 UTC+08:00", 2),
        ("Sat, 28 Nov 2026 10:00:00 +8", 2),
        ("Sat, 28 Nov 2026 10:00:00 +08", 2),
        ("Sat, 28 Nov 2026 10:00:00 +08:00", 2),
        ("Sat, 28 Nov 2026 10:00:00 GMT +0800", 2),
        ("Sat, 28 Nov 2026 10:00:00.123 +0800", 2),
        ("Sat, 28 Nov 2026 10:00:00 -5", 15),
        ("28 Nov 2026 10:00:00 PM +0800", 14),
        ("28 Nov 2026 12:00 am -0500", 5),
        ("28 Nov 2026 12:00:00 p.m. +0000", 12),
        ("Sat, 28 Nov 2026 10:00:00 CEST", 8),
        ("Sat, 28 Nov 2026 10:00:00 (HKT)", 2),
        ("Sat, 28 Nov 2026 10:00:00 EST", 15),
        ("Sat, 28 Nov 2026 10:00:00 中国标准时间", 2),
        ("Sat, 28 Nov 2026 10:00:00 Asia/Shanghai", 2),
        ("Sat Nov 28 10:00:00 CET 2026", 9),
        ("Sat Nov 28 10:00:00 2026", 10),
        ("2026-11-28 10:00:00 +0800", 2),
        ("2026-11-28T10:00:00Z", 10),
        # Nothing is named that could be misunderstood.
        ("Sat, 28 Nov 2026 10:00:00", 10),
    ],
)
def test_a_zone_is_understood_as_it_is_written(written, hour):
    assert read_date(written, received_at=NOW) == (datetime(2026, 11, 28, hour, tzinfo=UTC), "")


@pytest.mark.parametrize("zone", ["XYZ", "Mars/Olympus", "当地时间", "(local)"])
def test_a_zone_that_is_not_understood_is_not_utc(zone):
    moment, defect = read_date(f"Sat, 28 Nov 2026 10:00:00 {zone}", received_at=NOW)
    assert (moment, defect) == (None, "The Date field names a zone that is not known.")


@pytest.mark.parametrize("unit", ["10:00 ", " ", "a ", "10:00:00 PM ", "+8 ", "Z"])
def test_a_date_is_read_in_linear_time(unit):
    assert grows_linearly(lambda text: read_date(text, received_at=NOW), unit, size=40_000)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="a;b.pdf"', "a;b.pdf"),
        ('filename="a;b;c.pdf"; size=3', "a;b;c.pdf"),
        ('filename="a\\"b;c.pdf"', "a_b;c.pdf"),
        ("filename*=%E6%B5%81.pdf", "流.pdf"),
        ("filename*=utf-8'%E6%B5%81.pdf", "流.pdf"),
        ("filename*0*=%E6%B5; filename*1*=%81.pdf", "流.pdf"),
        ("filename*=%D5%CB%B5%A5.pdf", "账单.pdf"),
        ("filename*=GBK''%D5%CB%B5%A5.pdf; filename=x.pdf", "账单.pdf"),
    ],
)
@pytest.mark.parametrize("place", ["Content-Disposition: attachment; ", "Content-Type: application/pdf; "])
def test_a_file_has_the_name_that_was_given(parameter, name, place):
    written = parameter.replace("filename", "name") if "Type" in place else parameter
    content = (
        "From: li@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=edge\n\n--edge\n"
        f"{place}{written}\n\nx\n--edge--\n"
    ).encode()
    envelope = normalise(RawMessage(source_key="1", content=content, received_at=NOW), channel="mail")
    assert [each.name for each in envelope.attachments] == [name]

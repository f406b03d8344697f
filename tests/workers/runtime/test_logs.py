"""The content of log lines, and what they never contain."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from router.errors import TransientError
from workers.runtime.logs import configure_logging


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OMNIYARD_LOG", raising=False)
    written = io.StringIO()
    configure_logging("info", stream=written)
    return written


def _lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_keys_and_its_time(log: io.StringIO):
    structlog.get_logger().info("message.routed", inbound_id="7", ms=3)
    (line,) = _lines(log)
    assert (line["event"], line["inbound_id"], line["ms"], line["level"]) == ("message.routed", "7", 3, "info")
    assert str(line["at"]).endswith("Z")


def test_addresses_are_hidden_wherever_they_come_from(log: io.StringIO):
    structlog.get_logger().warning("refused", said="550 <li.na@example.com> unknown")
    logging.getLogger("a.library").warning("mail for %s", "li.na@example.com")
    assert "li.na" not in log.getvalue()
    assert [line.get("said", line["event"]) for line in _lines(log)] == [
        "550 <[address]> unknown",
        "mail for [address]",
    ]


def test_another_error_logs_its_type_and_place_but_not_its_message(log: io.StringIO):
    try:
        int("the customer's words")
    except ValueError:
        structlog.get_logger().exception("page.failed")
        logging.getLogger("a.library").exception("failed")
    ours, theirs = _lines(log)
    assert "customer" not in log.getvalue()
    assert str(ours["error"]).startswith("ValueError at runtime/test_logs.py:")
    assert ours["error"] == theirs["error"]


def test_our_own_error_keeps_its_message(log: io.StringIO):
    structlog.get_logger().warning("page.postponed", exc_info=TransientError("the database stayed locked"))
    assert _lines(log)[0]["error"] == "the database stayed locked"


def test_info_lines_of_libraries_are_left_out(log: io.StringIO):
    logging.getLogger("mail.log").info("RCPT TO li.na")
    logging.getLogger("uvicorn.access").info("GET /")
    assert log.getvalue() == ""


def test_logs_for_people_are_text(monkeypatch: pytest.MonkeyPatch, log: io.StringIO):
    monkeypatch.setenv("OMNIYARD_LOG", "text")
    configure_logging("info", stream=log)
    structlog.get_logger().info("message.routed", ms=3)
    assert "[info     ] message.routed ms=3" in log.getvalue()

"""Other projects' mails with known answers: the figures of the mail issue must not fall."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mail import bounces, mime, replies


@pytest.mark.parametrize("corpus", ["zammad", "stalwart"])
def test_mail_is_read_as_other_projects_read_it(corpora: Path, corpus: str) -> None:
    ours = mime.measure_accuracy(corpora, corpus=corpus)["ours"]
    wanted = {"subject": 1.0, "sender": 1.0, "body": 0.97, "attachments": 0.97 if corpus == "stalwart" else 0.94}
    assert {field: share for field, share in ours["accuracy"].items() if share < wanted[field]} == {}
    assert [miss for miss in ours["misses"] if not miss["why"]] == []


def test_new_words_are_exact(corpora: Path) -> None:
    result = replies.measure(corpora)
    assert result["ours"]["exact"] >= 0.95
    assert result["ours"]["exact"] > result["mail-parser-reply"]["exact"]
    assert result["forum, who wrote"]["misses"] == []
    assert all(miss["why"] != "not understood yet" for miss in result["misses"])


def test_reports_are_recognised_and_honest_mail_is_not_one(corpora: Path) -> None:
    result = bounces.measure(corpora)
    ours = result["ours"]
    assert ours["recognised"] >= 0.98
    assert ours["right recipient and permanence"] >= 0.95
    assert ours["ham called bounce"] == 0
    assert all(miss["why"] != "not understood yet" for miss in result["misses"])

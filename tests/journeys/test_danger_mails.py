"""Whole mails, from their bytes to the outcome of the shipped desk: by words alone, and by the shipped model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import RawMessage
from connectors.email.sandbox.parent import Guard
from router.classify import build_classifier
from router.envelope import from_json
from router.settings import load_settings
from workers.training.learn import LearntClassifier

MAILS = Path(__file__).parents[1] / "data" / "mail"
SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "channels.toml")


CLASSIFIERS = {"by_words": build_classifier, "by_the_shipped_model": LearntClassifier}


@pytest.mark.parametrize("way", CLASSIFIERS)
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("danger-in-plain-words.eml", "emergency"),
        ("danger-in-the-middle-of-a-long-mail.eml", "emergency"),
        ("no-danger-although-stolen-is-said.eml", "none"),
        ("no-danger-other-trade.eml", "none"),
    ],
)
def test_a_mail_is_judged_by_what_it_says(name: str, outcome: str, way: str, tmp_path: Path) -> None:
    raw = RawMessage(source_key=name, content=(MAILS / name).read_bytes(), received_at=datetime(2026, 3, 3, tzinfo=UTC))
    with Guard() as guard:
        (arrival,) = guard.normalise_batch([raw], channel="desk-mail")
    envelope = from_json(arrival.envelope)
    omniyard = SETTINGS.omniyard.model_copy(update={"data": str(tmp_path)})
    desk = SETTINGS.model_copy(update={"omniyard": omniyard})
    (seen,) = CLASSIFIERS[way](desk).classify_batch([f"{envelope.subject}\n{envelope.text}"])
    assert (seen.emergency, seen.possible_danger) == (outcome == "emergency", outcome == "possible")
    assert bool(seen.danger_evidence) == seen.emergency

"""The back-off of a failing channel."""

from __future__ import annotations

import pytest

from connectors.channel_loops import AFTER_FAILURE, AFTER_REFUSAL


@pytest.mark.parametrize(
    ("failures", "chance", "refused", "seconds"),
    [
        (1, 0.5, False, 1.0),  # The first failure: a dropped line.
        (2, 0.5, False, 2.0),
        (5, 0.5, False, 16.0),
        (9, 0.5, False, 256.0),
        (10, 0.5, False, 300.0),  # The cap.
        (10_000, 0.5, False, 300.0),  # A week of failures is no overflow.
        (1, 0.0, False, 0.8),  # A fifth less ...
        (1, 1.0, False, 1.2),  # ... or more, so that channels do not call together.
        (1, 0.5, True, 30.0),  # A wrong password locks accounts.
        (2, 0.5, True, 60.0),
        (10, 0.5, True, 900.0),
    ],
)
def test_pauses_grow_to_a_cap_and_are_spread(failures, chance, refused, seconds):
    backoff = AFTER_REFUSAL if refused else AFTER_FAILURE
    assert backoff.after(failures, chance=chance).total_seconds() == pytest.approx(seconds)

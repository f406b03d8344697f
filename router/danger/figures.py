"""How well a model judges danger on texts that it did not train on, by language, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
from pydantic import JsonValue

from router.classify.features import Flags
from router.danger.calibration import DangerCalibration
from router.danger.trainer import JudgedUnseen, UnseenDanger, judge_unseen
from router.text.language import detect

# Of the normal distribution, for intervals of 95 %.
_Z: Final = 1.96


def danger_report(
    unseen: UnseenDanger, calibration: DangerCalibration, texts: Sequence[str], *, per_thousand: float
) -> dict[str, JsonValue]:
    """Return recall and false alarms at a bound; look-alikes apart, because they are far rarer in the post."""
    judged = judge_unseen(unseen, calibration, per_thousand=per_thousand)
    languages = np.array([detect(text)[:2] for text in texts])
    named = [str(one) for one in ("en", "zh") if (languages == one).any()]
    return {
        "per_thousand": per_thousand,
        "all": _figures(unseen, judged, np.ones(len(languages), np.bool_)),
        **{name: _figures(unseen, judged, np.asarray(languages == name)) for name in named},
    }


def _figures(unseen: UnseenDanger, judged: JudgedUnseen, rows: Flags) -> dict[str, JsonValue]:
    danger, look = rows & unseen.danger, rows & unseen.lookalike
    ordinary = rows & ~unseen.danger & ~unseen.lookalike
    return {
        "dangers": int(danger.sum()),
        "recall": interval(judged.paged[danger]),
        "paged_or_marked": interval(judged.marked[danger]),
        "ordinary": int(ordinary.sum()),
        "false_pages": interval(judged.paged[ordinary]),
        "marked": interval(judged.marked[ordinary]),
        "lookalikes": int(look.sum()),
        "lookalike_pages": interval(judged.paged[look]),
        "encoder_asked": interval(judged.asked[ordinary]),
    }


def interval(hits: Flags) -> list[JsonValue]:
    """Return a share and the limits of its 95 % interval (Wilson 1927)."""
    count = len(hits)
    if not count:
        return [0.0, 0.0, 1.0]
    share = float(hits.mean())
    centre = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return [round(share, 4), round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]

"""What a head knows of a passage's groups, found by masks of sentences, is what it learnt by their names."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import numpy as np

from router.danger.heads import KnownColumns, matrix_by_name
from router.danger.pairs import MEET
from router.danger.words import build_word_detector
from router.settings import load_settings
from router.settings.danger_words import KEYWORDS

SETTINGS = load_settings(Path(__file__).parents[3] / "config" / "channels.toml")


def test_columns_by_masks_are_the_columns_by_names():
    words = build_word_detector(SETTINGS)
    assert words is not None
    draw, bits = random.Random(1), words.pairs.patterns.bits
    # Keywords are judged as pairs, and no head learns them.
    names = sorted(set(bits) - {KEYWORDS})
    pairs = [MEET.join(pair) for pair in combinations(names, 2)]
    columns = sorted({*draw.sample(names, 30), *draw.sample(pairs, 400), "gone", f"gone{MEET}money"})
    passages = [
        [sum(bits[name] for name in draw.sample(sorted(bits), draw.randint(0, 12))) for _ in range(draw.randint(0, 5))]
        for _ in range(200)
    ]
    by_mask = KnownColumns(columns, bits).matrix(passages)
    by_name = matrix_by_name([words.pairs.columns_of(masks) for masks in passages], columns)
    assert len(by_mask.columns) > 500
    for name in ("starts", "columns", "values"):
        assert np.array_equal(getattr(by_mask, name), getattr(by_name, name)), name

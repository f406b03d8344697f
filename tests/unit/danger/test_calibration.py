"""From scores to thresholds: a bound holds on texts that no head has read, and a wider bound never pages fewer."""

from __future__ import annotations

import numpy as np
import pytest

from router.danger.calibration import EXPLAINED_SHARE, DangerScores, DangerThresholds, choose_thresholds
from router.danger.figures import interval
from router.danger.trainer import BOUNDS, UnseenDanger, calibrate_danger, judge_unseen

COUNT = 6_000


def made(*, with_meaning: bool) -> UnseenDanger:
    """Return scores of made texts: one in six is a danger, most of them with a clear pair."""
    draw = np.random.default_rng(7)
    danger = draw.random(COUNT) < 1 / 6
    lookalike = ~danger & (draw.random(COUNT) < 0.1)
    noise = draw.normal(0, 1, (4, COUNT)).astype(np.float32)
    signs = np.zeros((COUNT, 6), np.float32)
    signs[:, 0] = draw.random(COUNT) < np.where(danger, 0.7, 0.004)
    signs[:, 3] = (signs[:, 0] == 0) & (draw.random(COUNT) < np.where(danger | lookalike, 0.3, 0.02))
    middle = np.where(danger, 2.0, -3.0) + np.where(lookalike, 2.0, 0.0)
    scores = DangerScores(
        grams=(middle + noise[0]).astype(np.float32),
        groups=(middle + 2 * noise[1]).astype(np.float32),
        meaning=(0.2 * middle + 0.2 * noise[2]).astype(np.float32),
        look=np.where(lookalike, 1.0, -3.0).astype(np.float32) + noise[3],
        alike=lookalike.astype(np.float32) / 2,
        signs=signs,
    )
    return UnseenDanger(scores, danger, lookalike, np.arange(COUNT) % 3, with_meaning)


@pytest.fixture(scope="module", params=[False, True], ids=["without_encoder", "with_encoder"])
def unseen(request) -> UnseenDanger:
    return made(with_meaning=request.param)


@pytest.mark.parametrize("per_thousand", [1.0, 5.0, 20.0])
def test_no_more_ordinary_texts_are_paged_than_the_bound_allows(unseen, per_thousand):
    judged = judge_unseen(unseen, calibrate_danger(unseen), per_thousand=per_thousand)
    ordinary = ~unseen.danger & ~unseen.lookalike
    assert judged.paged[ordinary].mean() <= per_thousand / 1_000
    assert judged.paged[unseen.danger].mean() > 0.5
    assert (judged.paged <= judged.marked).all()


def test_a_wider_bound_pages_no_fewer(unseen):
    calibration = calibrate_danger(unseen)
    pages = [int(judge_unseen(unseen, calibration, per_thousand=each).paged.sum()) for each in BOUNDS]
    assert pages == sorted(pages)


@pytest.mark.parametrize(("asked", "used"), [(0.1, 1.0), (1.0, 1.0), (7.0, 6.0), (5, 5.0), (500.0, 200.0)])
def test_the_operators_bound_is_never_exceeded(unseen, asked, used):
    assert calibrate_danger(unseen).bound(asked).per_thousand == used


def test_the_heads_alone_page_what_words_explain_only_where_they_are_surer(unseen):
    calibration = calibrate_danger(unseen)
    for level in (each for one in calibration.bounds for each in (one.alone, one.both)):
        assert level.alone <= level.explained
    explained = unseen.scores.is_explained & ~unseen.scores.has_pair
    paged = judge_unseen(unseen, calibration, per_thousand=20.0).paged & explained
    assert paged[unseen.danger & explained].any()
    assert paged[~unseen.danger & ~unseen.lookalike].mean() <= 0.02 * EXPLAINED_SHARE


@pytest.mark.parametrize("sign", [3, 4], ids=["context", "ordinary_business"])
def test_a_model_of_before_pages_nothing_that_words_explain(sign):
    scores = made(with_meaning=False).scores
    scores.signs[:, :] = 0
    scores.signs[:, sign] = 1
    assert (DangerThresholds(with_pair=0.1, alone=0.1, possible=0.1).line(scores) > 1).all()


def test_the_row_that_breaks_the_bound_stays_below_the_threshold():
    said = np.array([0.9, 0.8, 0.7, 0.1], np.float32)
    blank = np.zeros(4, np.float32)
    scores = DangerScores(blank, blank, blank, blank, blank, np.zeros((4, 6), np.float32))
    chosen = choose_thresholds(said, scores, np.array([0, 1, 1, 8], np.float32), bound=0.4, marked=0.2)
    assert 0.7 < chosen.alone <= 0.8  # 30 % of the bound: one row in ten
    assert 0.1 < chosen.possible <= 0.7


@pytest.mark.parametrize(
    ("hits", "of", "limits"),
    [(0, 0, [0.0, 0.0, 1.0]), (0, 100, [0.0, 0.0, 0.037]), (47, 50, [0.94, 0.8378, 0.9794])],
)
def test_intervals_are_wilsons(hits, of, limits):
    assert interval(np.arange(of) < hits) == pytest.approx(limits, abs=1e-4)

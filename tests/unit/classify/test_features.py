"""N-grams of a batch: each once a text, and a batch's are those of its texts one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from router.classify.features import Grams, _bare, grams

TEXTS = (
    "my refund is late, my refund!",
    "",
    "退款什么时候到？退款",
    "a",
    "order 123 of order 456",
    "my refund is late",
)


def written(batch, gram):
    """Return an n-gram as written in its text, folded."""
    return batch.text[batch.places[gram] : batch.places[gram] + batch.sizes[gram]]


def test_the_n_grams_of_a_batch_are_those_of_its_texts_one_by_one():
    batch = grams(TEXTS)
    assert len(batch.starts) == len(TEXTS) + 1
    for row, text in enumerate(TEXTS):
        alone, part = grams([text]), slice(batch.starts[row], batch.starts[row + 1])
        assert np.array_equal(batch.buckets[part], alone.buckets)
        assert np.array_equal(batch.weights[part], alone.weights)
        assert [written(batch, gram) for gram in range(part.start, part.stop)] == [
            written(alone, gram) for gram in range(len(alone.buckets))
        ]


@pytest.mark.parametrize("text", TEXTS)
def test_an_n_gram_stands_once_in_a_text_where_it_is_first(text):
    found = grams([text])
    assert (np.diff(found.buckets) > 0).all()
    words = {written(found, gram): int(found.places[gram]) for gram in range(len(found.buckets))}
    assert all(found.text.find(word) <= place for word, place in words.items())
    # A count of two weighs 1 + log 2.
    assert set(np.round(found.weights, 4)) <= set(np.round(1 + np.log(np.arange(1, 30, dtype=np.float32)), 4))


def test_each_ngram_of_a_text_stands_once_in_ascending_order_where_it_is_first() -> None:
    texts = ["", "no no no refund", "退款 退款 refund refund", "_", "x" * 2_000 + " tail", "a b " * 900]
    batch = grams(texts)
    assert len(batch.starts) == len(texts) + 1
    for row, (start, end) in enumerate(pairwise(batch.starts.tolist())):
        assert np.all(np.diff(batch.buckets[start:end]) > 0)
        seen = [written(batch, at) for at in range(start, end)]
        begin = sum(len(_bare(text)) + 2 for text in texts[:row])
        part = f" {_bare(texts[row])} "
        assert [at - begin for at in batch.places[start:end].tolist()] == [part.index(one) for one in seen]
    assert _weight(batch, "no") == pytest.approx(1 + np.log(3))
    assert _weight(batch, "退款") == pytest.approx(1 + np.log(2))


def test_ascii_texts_are_bared_as_others_are() -> None:
    every = "".join(map(chr, range(128)))
    for text in (every, f"{every} a_b--c 12x", "  A\tB\x1fC  ", "_", ""):
        # A Chinese character makes the text an ordinary one.
        assert _bare(text) == _bare(f"{text} 退").removesuffix("退").rstrip()


def _weight(batch: Grams, word: str) -> float:
    """Return the weight of a word where it stands most often."""
    whole = [at for at in range(len(batch.buckets)) if written(batch, at) == word]
    return max(float(batch.weights[at]) for at in whole)

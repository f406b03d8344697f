"""N-grams of a page: each once a text, and a page's are those of its texts one by one."""

from __future__ import annotations

import numpy as np
import pytest

from router.classify.features import grams

TEXTS = (
    "my refund is late, my refund!",
    "",
    "退款什么时候到？退款",
    "a",
    "order 123 of order 456",
    "my refund is late",
)


def test_the_n_grams_of_a_page_are_those_of_its_texts_one_by_one():
    page = grams(TEXTS)
    assert len(page.starts) == len(TEXTS) + 1
    for row, text in enumerate(TEXTS):
        alone, part = grams([text]), slice(page.starts[row], page.starts[row + 1])
        assert np.array_equal(page.buckets[part], alone.buckets)
        assert np.array_equal(page.weights[part], alone.weights)
        assert [page.written(gram) for gram in range(part.start, part.stop)] == [
            alone.written(gram) for gram in range(len(alone.buckets))
        ]


@pytest.mark.parametrize("text", TEXTS)
def test_an_n_gram_stands_once_in_a_text_where_it_is_first(text):
    found = grams([text])
    assert (np.diff(found.buckets) > 0).all()
    words = {found.written(gram): int(found.places[gram]) for gram in range(len(found.buckets))}
    assert all(found.text.find(word) <= place for word, place in words.items())
    # A count of two weighs 1 + log 2.
    assert set(np.round(found.weights, 4)) <= set(np.round(1 + np.log(np.arange(1, 30, dtype=np.float32)), 4))

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from store.db.ids import id_maker, new_id

MILLISECOND = 1_000_000


@pytest.mark.parametrize(
    "clock",
    [
        # Ten thousand in one millisecond, more than its counter has numbers for.
        [7 * MILLISECOND] * 10_000,
        # The clock is set back.
        [9 * MILLISECOND, 8 * MILLISECOND, 8 * MILLISECOND + 1, 10 * MILLISECOND],
    ],
)
def test_the_ids_of_one_maker_never_run_backwards(clock):
    make = id_maker(clock=iter(clock).__next__)
    ids = [make() for _ in clock]
    assert ids == sorted(set(ids))


def test_an_id_says_when_it_was_made():
    made = id_maker(clock=lambda: 1_700_000_000_123 * MILLISECOND)()
    assert (made.version, made.int >> 80) == (7, 1_700_000_000_123)


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: new_id(), range(4_000)))
    assert len(set(made)) == len(made)

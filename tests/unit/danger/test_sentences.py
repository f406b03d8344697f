"""Sentences folded together are what each is by itself, and a text made of its sentences is the whole text."""

from __future__ import annotations

import random

from router.danger.clauses import comparable, split_sentences

# What may reach over the end of a sentence: negations, dashes, quotations, numbers, marks, characters that combine.
_LATIN = (
    "did do can ca wo not nt n't n\u2019t cannot card lost Inc. e.g. x. 1,000 12 1\uff0c000 a _ _x \u0130 \u00df \u00bd"
)
_HAN = "\u5361 \u88ab\u76d7 \u662f \u4e0d\u662f \u662f\u4e0d\u662f \u304b \uff9e \u0301"
_MARKS = "| - -- \u2014 ( ) : , \uff0c . \u2026 ... \u3002 ? \uff1f ! ; \" \u201c \u201d '"
_WORDS = [word for words in (_LATIN, _HAN, _MARKS) for word in words.split()]
_GAPS = ["", " ", " ", " ", "\n", "\n\n", "\n ", " \n", ". ", "\r\n", "\u3000", "\x01", "\x1c"]


def odd_texts(count: int) -> list[str]:
    """Return texts of words that are hard to split; some are long and have no full stop."""
    chance = random.Random(19)
    gaps = [_GAPS, [" "]]
    return [
        "".join(word + chance.choice(gaps[at % 7 == 0]) for word in chance.choices(_WORDS, k=chance.randint(1, 90)))
        for at in range(count)
    ]


def test_sentences_folded_together_are_what_each_is_alone() -> None:
    joined = 0
    for text in [*odd_texts(2_000), "I lost it.\nMy card. Do - not\nwait\u2026 \u5361\u3002"]:
        read = split_sentences(text)
        assert read.comparable == comparable(text), text
        for one in read.all:
            # Whether a dash at its end stands between blanks is seen before the blanks are removed.
            if not {one.written[0], one.written[-1]} & {*"-\u2014"}:
                assert one.comparable == comparable(one.written), one.written
        joined += read.can_join
    assert joined > 0

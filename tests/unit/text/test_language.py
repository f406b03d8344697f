"""The language follows from the script; a mixed text has the language of its larger part."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from router.text.language import chinese_script, detect
from tests.absent_inputs import NO_CORPORA

CORPORA = Path(os.environ.get("OMNIYARD_CORPORA", Path(__file__).parents[4] / "shared" / "corpora"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我的账户被锁了", "zh-Hans"),
        ("我的帳戶被鎖了，請幫忙", "zh-Hant"),
        # No character decides; most customers are in the mainland.
        ("你好", "zh-Hans"),
        ("我的account被locked了", "zh-Hans"),
        ("Hello my name is 王伟 and my card is blocked", "en"),
        ("where is my money", "en"),
        ("refund pls", "en"),
        # Words of one spelling in both languages do not make a German text English.
        ("Was ist im Roggenbrot?", "de"),
        ("Ich will mein Abo an eine andere Adresse", "de"),
        ("Wir haben nicht bestellt, was Sie geliefert haben", "de"),
        ("Hallo", "de"),
        ("Danke!", "de"),
        ("Wo ist meine Bestellung 48301?", "de"),
        ("Hello, I will order an apple cake", "en"),
        ("my oder was wrong", "en"),
        ("It was the Bitte cake that I ordered", "en"),
        ("will do", "en"),
        ("パスワードを忘れました", "ja"),
        ("비밀번호를 잊었어요", "ko"),
        ("Я забыл пароль", "ru"),
        ("نسيت كلمة المرور", "ar"),
        ("12345 !!!", "und"),
        ("", "und"),
        ("😀", "und"),
    ],
)
def test_the_script_decides_the_language(text, language):
    assert detect(text) == language


@pytest.mark.skipif(importlib.util.find_spec("py3langid") is None, reason="py3langid is not installed")
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hola no puedo entrar en mi cuenta", "es"),
        ("Bonjour, mon compte est bloqué", "fr"),
        ("Ich kann mich nicht anmelden", "de"),
        ("saya tidak bisa masuk akun saya", "id"),
        ("tôi không đăng nhập được", "vi"),
        ("hesabım kilitlendi ve giremiyorum", "tr"),
    ],
)
def test_the_library_distinguishes_latin_languages(text, language):
    assert detect(text) == language


def test_a_mixed_text_has_the_language_of_its_larger_part():
    assert chinese_script("我的帳戶被鎖了") == "zh-Hant"
    assert chinese_script("我的账户被锁了") == "zh-Hans"


def test_english_questions_are_english():
    file = CORPORA / "intents" / "banking77_train.jsonl"
    if not file.exists():
        pytest.skip(NO_CORPORA)
    texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    wrong = [text for text in texts if detect(text) != "en"]
    assert len(wrong) / len(texts) < 0.001, wrong[:5]

"""The words of the pages: each in two languages, each in one place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

import api.text
from api.chat.chat_phrases import CHAT_WORDS
from api.customer.phrases import WORDS as CUSTOMER_WORDS
from api.text.phrases import WORDS, Words

_MODULES = sorted(f"{path.parent.stem}.{path.stem}" for path in Path(api.text.__path__[0]).glob("*/*_phrases.py"))


def _words_of(module: str) -> Mapping[str, tuple[str, str]]:
    name = module.rpartition(".")[2].removesuffix("_phrases").upper()
    found: Mapping[str, tuple[str, str]] = getattr(import_module(f"api.text.{module}"), f"{name}_WORDS")
    return found


def test_each_module_of_words_is_in_use_and_no_key_stands_in_two() -> None:
    counted = Counter(key for module in _MODULES for key in _words_of(module))
    assert [key for key, number in counted.items() if number > 1] == []
    assert counted.keys() == WORDS.keys()


def _names(text: str) -> set[str]:
    # A month is a name in English and a number in Chinese.
    return {part.split("}")[0].removesuffix("_name") for part in text.split("{")[1:]}


def test_each_phrase_has_words_in_both_languages_with_the_same_values() -> None:
    # One test, not one a phrase: a thousand would take longer to collect than to run.
    assert {key: pair for key, pair in WORDS.items() if not all(text.strip() for text in pair)} == {}
    assert {key: pair for key, pair in WORDS.items() if _names(pair[0]) != _names(pair[1])} == {}


def test_a_key_without_words_is_shown_as_it_is() -> None:
    assert Words("zh")("unheard_of") == "unheard of"


_API = Path(api.text.__path__[0]).parent
# `t("key")` of templates and `words("key")` of code; a key that is completed by a value is tested with its values.
_ASKED = re.compile(r"""(?:\bt|\bwords)\(\s*["']([a-z][a-z0-9_-]*)["']\s*[,)]""")


@pytest.mark.parametrize("suffix", ["*.jinja", "*.py"])
def test_each_key_that_a_page_asks_for_has_words(suffix: str) -> None:
    asked = {
        (path.name, key) for path in _API.rglob(suffix) for key in _ASKED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 20
    assert {each for each in asked if each[1] not in WORDS.keys() | CUSTOMER_WORDS.keys() | CHAT_WORDS.keys()} == set()

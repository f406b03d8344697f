"""The Chinese guide names the desk's buttons and queues by the words that the pages show."""

from __future__ import annotations

import re
from pathlib import Path

from api.text.phrases import WORDS

GUIDE = Path(__file__).parents[2] / "docs" / "desk.zh.md"


def test_every_quoted_word_of_the_guide_stands_on_a_page() -> None:
    quoted = re.findall(r"“([^”]+)”", GUIDE.read_text(encoding="utf-8"))
    shown = [chinese for _, chinese in WORDS.values()]
    assert len(quoted) > 40
    assert [word for word in quoted if not any(word in chinese for chinese in shown)] == []

"""The phrases of the rooms around the inbox: cases together, the search, settings, the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.text.case_phrases import CASE_WORDS
from api.text.finding_phrases import FINDING_WORDS
from api.text.report_phrases import REPORT_WORDS
from api.text.setting_phrases import SETTING_WORDS

ROOM_WORDS: Final[Mapping[str, tuple[str, str]]] = {**CASE_WORDS, **FINDING_WORDS, **SETTING_WORDS, **REPORT_WORDS}

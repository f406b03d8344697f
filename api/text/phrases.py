"""The phrases of the pages, in English and in Chinese; one module a subject has the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from api.text.blanks import fill
from api.text.pages.audit_phrases import AUDIT_WORDS
from api.text.pages.case_phrases import CASE_WORDS
from api.text.pages.finding_phrases import FINDING_WORDS
from api.text.pages.generated_phrases import GENERATED_WORDS
from api.text.pages.look_phrases import LOOK_WORDS
from api.text.pages.report_phrases import REPORT_WORDS
from api.text.pages.setting_phrases import SETTING_WORDS
from api.text.pages.sign_in_phrases import SIGN_IN_WORDS
from api.text.subjects.action_phrases import ACTION_WORDS
from api.text.subjects.answer_phrases import ANSWER_WORDS
from api.text.subjects.channel_phrases import CHANNEL_WORDS
from api.text.subjects.chat_desk_phrases import CHAT_DESK_WORDS
from api.text.subjects.composer_phrases import COMPOSER_WORDS
from api.text.subjects.conversation_phrases import CONVERSATION_WORDS
from api.text.subjects.danger_phrases import DANGER_WORDS
from api.text.subjects.date_phrases import DATE_WORDS
from api.text.subjects.desk_phrases import DESK_WORDS
from api.text.subjects.gate_phrases import GATE_WORDS
from api.text.subjects.inbox_phrases import INBOX_WORDS
from api.text.subjects.key_phrases import KEY_WORDS
from api.text.subjects.limit_phrases import LIMIT_WORDS
from api.text.subjects.live_phrases import LIVE_WORDS
from api.text.subjects.mail_phrases import MAIL_WORDS
from api.text.subjects.notice_phrases import NOTICE_WORDS
from api.text.subjects.outbox_phrases import OUTBOX_WORDS
from api.text.subjects.reply_phrases import REPLY_WORDS
from api.text.subjects.step_phrases import STEP_WORDS
from api.text.subjects.supervisor_phrases import SUPERVISOR_WORDS

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

# Key: English, Chinese. `{...}` is filled in.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    **AUDIT_WORDS,
    **CASE_WORDS,
    **FINDING_WORDS,
    **LOOK_WORDS,
    **REPORT_WORDS,
    **SETTING_WORDS,
    **SIGN_IN_WORDS,
    **ACTION_WORDS,
    **ANSWER_WORDS,
    **CHANNEL_WORDS,
    **CHAT_DESK_WORDS,
    **COMPOSER_WORDS,
    **CONVERSATION_WORDS,
    **DANGER_WORDS,
    **DATE_WORDS,
    **DESK_WORDS,
    **GATE_WORDS,
    **GENERATED_WORDS,
    **INBOX_WORDS,
    **LIMIT_WORDS,
    **LIVE_WORDS,
    **KEY_WORDS,
    **NOTICE_WORDS,
    **MAIL_WORDS,
    **OUTBOX_WORDS,
    **REPLY_WORDS,
    **STEP_WORDS,
    **SUPERVISOR_WORDS,
}

# Those without a place for a value, by language.
_PLAIN: Final[Mapping[Language, Mapping[str, str]]] = {
    language: {key: pair[place] for key, pair in WORDS.items() if not {"{", "}"} & set(pair[place])}
    for place, language in enumerate(LANGUAGES)
}


def phrase_in(language: Language, phrase: tuple[str, str]) -> str:
    """Return the English or the Chinese of a phrase, as the tables of words hold them."""
    english, chinese = phrase
    return chinese if language == "zh" else english


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases of one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the phrase for `key`; an unknown key is returned as it is, because it may come from data."""
        plain = _PLAIN[self.language].get(key)
        if plain is not None:
            return plain
        if key not in WORDS:
            return key.replace("_", " ")
        return fill(phrase_in(self.language, WORDS[key]), values)

    def knows(self, key: str) -> bool:
        """Return whether there is a phrase for `key`."""
        return key in WORDS


def choose_language(chosen: str | None, *, accepted: str) -> Language:
    """Return the language to show: the one chosen before, else the first that the browser accepts and we have.

    accepted: the Accept-Language header (RFC 9110 section 12.5.4), whose order browsers keep by weight.
    """
    for tag in (chosen or "", *(part.split(";")[0] for part in accepted.split(","))):
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language:
                return language
    return "en"

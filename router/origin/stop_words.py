"""The words by which people stop, start and ask about text messages: the whole message, and nothing cleverer.

No classifier decides about them, and no machine answers them: the provider does, as the networks demand.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

from router.envelope import Envelope, PartyKind


class Command(StrEnum):
    """stop: send me nothing more.  start: send again.  help: who are you."""

    STOP = "stop"
    START = "start"
    HELP = "help"


# Twilio's own words (its help pages, "opt-out keywords"), and what Chinese operators print under their texts.
_WORDS: Final = {
    Command.STOP: (
        "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke",
        "td", "t", "退订", "退訂", "取消订阅", "取消訂閱", "停止", "停止发送", "拒收",
    ),
    Command.START: ("start", "yes", "unstop", "恢复", "恢復", "恢复订阅", "恢復訂閱", "订阅", "訂閱"),
    Command.HELP: ("help", "info"),
}  # fmt: skip
_COMMANDS: Final = {word: command for command, words in _WORDS.items() for word in words}
_LONGEST: Final = max(len(word) for word in _COMMANDS)
# People put quotes and full stops around them, because the text that they answer does.
_EDGE: Final = " \t\r\n.。!！,，'\"“”‘’「」【】[]()（）"
_SPOKEN_BY: Final = frozenset({PartyKind.PHONE, PartyKind.WHATSAPP})


def command_of(envelope: Envelope) -> Command | None:
    """Return what the message commands; None if it is a message like any other, or no text message at all."""
    if envelope.sender.kind not in _SPOKEN_BY:
        return None
    word = unicodedata.normalize("NFKC", envelope.text[: 4 * _LONGEST]).strip(_EDGE).casefold()
    return _COMMANDS.get(word) if len(envelope.text.strip()) <= 2 * _LONGEST else None

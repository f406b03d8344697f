"""The words and sentences by which people stop, start and ask about text messages: always the whole message.

No classifier decides about them, and no machine answers them: the provider does, as the networks demand.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from router.envelope import Envelope, PartyKind
from router.remarks.recognise_remark import asks_to_stop


class Command(StrEnum):
    """stop: send me nothing more.  start: send again.  help: who are you."""

    STOP = "stop"
    START = "start"
    HELP = "help"


# Twilio's own words (its help pages, "opt-out keywords"), the FCC's (47 CFR 64.1200(a)(10)), Canada's French, and what
# Chinese operators print under their texts.
_WORDS: Final = {
    Command.STOP: (
        "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "opt-out", "revoke",
        "arret", "arrêt", "arrete", "arrête", "arretez", "arrêtez", "desabonnement", "désabonnement",
        "td", "退订", "退訂", "取消订阅", "取消訂閱", "停止", "停止发送", "停止接收", "拒收", "拒收短信", "退订短信",
    ),
    Command.START: (
        "start", "yes", "unstop", "恢复", "恢復", "恢复订阅", "恢復訂閱", "订阅", "訂閱",
        "恢复接收", "恢复发送", "optin", "opt in", "opt-in",
    ),
    Command.HELP: ("help", "info"),
}  # fmt: skip
_COMMANDS: Final = {word: command for command, words in _WORDS.items() for word in words}
_LONGEST: Final = max(len(word) for word in _COMMANDS)
# People put quotes and full stops around them, because the text that they answer does.
_EDGE: Final = " \t\r\n.。!！,，'\"“”‘’「」【】[]()（）"
# They are obeyed, and may be all that a customer answers or asks: "shall we send it?", "stop the payment".
_MATTERS: Final = frozenset({"yes", "cancel", "end", "quit", "revoke", "停止"})
# "Reply T to unsubscribe" stands under texts in mainland China only; elsewhere one letter is an answer.
_MAINLAND: Final = "+86"
_LETTERS: Final = frozenset("tnr")
# As people copy it from there: "回T退订", "回复TD", "退订回N".
_ASKED: Final = re.compile(r"(?:退[订訂])?(?:回[复復]?|發送?|发送?)?(?P<word>td|[tnr])(?:退[订訂])?")
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060-\u2064\ufe0f\ufeff\u00ad]")
_SPOKEN_BY: Final = frozenset({PartyKind.PHONE, PartyKind.WHATSAPP})


def command_of(envelope: Envelope) -> Command | None:
    """Return what the message commands; None if it is a message like any other, or no text message at all."""
    if envelope.sender.kind not in _SPOKEN_BY:
        return None
    said = _INVISIBLE.sub("", envelope.text)
    if len(said.strip()) > 2 * _LONGEST:
        return Command.STOP if asks_to_stop(said) else None
    word = _bare(said)
    # Any reasonable way of asking counts in the USA (47 CFR 64.1200(a)(10)), and any in China.
    is_stop = _asks_in_chinese(word, envelope.sender.handle) or asks_to_stop(said)
    return _COMMANDS.get(word) or (Command.STOP if is_stop else None)


def may_be_matter(envelope: Envelope) -> bool:
    """Return whether the command's word may be an answer or a question, too, so that an agent has to read it."""
    return _bare(_INVISIBLE.sub("", envelope.text)) in _MATTERS


def _bare(said: str) -> str:
    return unicodedata.normalize("NFKC", said).strip(_EDGE).casefold()


def _asks_in_chinese(word: str, handle: str) -> bool:
    """Return whether it is the opt-out of a Chinese text. A letter alone counts only from a number of the mainland."""
    asked = _ASKED.fullmatch(word.replace(" ", ""))
    if asked is None:
        return False
    is_bare = word.replace(" ", "") == asked["word"]
    return asked["word"] not in _LETTERS or not is_bare or handle.startswith(_MAINLAND)

"""The kinds of messages by what they are for: most say something, some only thank, greet or call for a person."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RemarkKind(StrEnum):
    """What a message is for.

    content: it says something; each message that is not wholly one of the others.
    courtesy: thanks, an acknowledgement, a goodbye: there is nothing to do.
    assent: agreement: the answer if we asked, else a courtesy.
    command: the word by which people stop or start text messages; the provider acts on it.
    greeting: the question is still to come.  empty: no word that says anything.
    person: the sender wants a person, and says nothing else.
    """

    CONTENT = "content"
    COURTESY = "courtesy"
    ASSENT = "assent"
    COMMAND = "command"
    GREETING = "greeting"
    EMPTY = "empty"
    PERSON = "person"


NEEDS_NOTHING: Final = frozenset({RemarkKind.COURTESY, RemarkKind.ASSENT, RemarkKind.COMMAND})
"""The kinds that ask for nothing."""

WAITS_FOR_WORDS: Final = frozenset({RemarkKind.GREETING, RemarkKind.EMPTY})
"""The kinds after which the sender has still to say what it is about."""

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

NOTHING_TO_DO: Final = "nothing-to-do"
"""The label of a case that holds nothing but thanks, a goodbye or a STOP: it is filed as resolved."""

NO_QUESTION_YET: Final = "no-question-yet"
"""The label of a case whose customer has only greeted, or written nothing; the first words of a matter end it."""

BULK_MAIL: Final = "bulk-mail"
"""The label of a case that holds nothing but a newsletter or advertising: it waits apart, without a promise."""

WANTS_PERSON: Final = "wants-person"
"""The label of a case whose customer has called for a person: no machine answers in it any more."""

"""How much of one message is read: the rest stands in its original only, and a defect says so.

Reading a message is pure work on a worker's one thread, and an emergency may wait for it. So a message's length is
bounded before anything is computed from it, on every channel; the bounds are about ten times what a long honest
message needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from router.envelope import Envelope

# New words, quote and signature together. A person writes a few thousand characters, and sends a book as a file.
WORDS_CHARACTERS: Final = 200_000
# Large mail programs stop to show a page at 102 KB; ours is cleaned of styles and scripts, so it is shorter.
PAGE_CHARACTERS: Final = 250_000
SUBJECT_CHARACTERS: Final = 2_000
NAME_CHARACTERS: Final = 500

PAGE_DEFECT: Final = (
    f"The HTML has more than {PAGE_CHARACTERS} characters; its words are shown, and the page is in the original."
)
WORDS_DEFECT: Final = f"The text was cut at {WORDS_CHARACTERS} characters; the rest is in the original."


def within_limits(envelope: Envelope) -> Envelope:
    """Return the envelope with no more than is read of a message, and a defect for each part that was cut."""
    words = (envelope.text, envelope.quoted, envelope.signature)
    is_long = sum(map(len, words)) > WORDS_CHARACTERS
    is_large = len(envelope.html) > PAGE_CHARACTERS
    is_named_long = len(envelope.subject) > SUBJECT_CHARACTERS or len(envelope.sender.name) > NAME_CHARACTERS
    if not (is_long or is_large or is_named_long):
        return envelope
    defects = [PAGE_DEFECT] * is_large + [WORDS_DEFECT] * is_long
    text, quoted, signature = _cut(words)
    return replace(
        envelope,
        subject=envelope.subject[:SUBJECT_CHARACTERS],
        sender=replace(envelope.sender, name=envelope.sender.name[:NAME_CHARACTERS]),
        text=text,
        quoted=quoted,
        signature=signature,
        html="" if is_large else envelope.html,
        defects=tuple(dict.fromkeys((*envelope.defects, *defects))),
    )


def _cut(words: tuple[str, ...]) -> list[str]:
    """Return the texts cut so that together they keep within the bound, the first ones first."""
    kept, room = [], WORDS_CHARACTERS
    for text in words:
        kept.append(text[:room])
        room -= len(kept[-1])
    return kept

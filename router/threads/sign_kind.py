"""The signs by which a message belongs to a conversation; `router.threads.correlation` finds them."""

from __future__ import annotations

from enum import StrEnum


class SignKind(StrEnum):
    """The sign by which a message belongs to a conversation. repeated: the sender wrote the same text before."""

    NONE = "none"
    TOKEN = "our_token"  # noqa: S105  (no secret)
    ANSWERED = "answered_message"
    QUOTING = "quoting_message"
    REFERENCE = "named_reference"
    SUBJECT = "answered_subject"
    RETURNED = "returned_message"
    CHAT = "open_chat"
    REPEATED = "repeated_words"

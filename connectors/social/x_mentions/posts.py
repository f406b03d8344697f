"""Parse one post that mentions us. Pure. An edit of a post is another version under the id of the first."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from connectors.base import RawMessage
from connectors.json_messages import UnreadableDocument, lasting, read_document, text_of, write_document
from connectors.social.x.messages import time_of
from router.envelope import Envelope, Party, PartyKind, Revision, RevisionKind

FORM: Final = "x_mentions"
_LONGEST_ID: Final = 20
_NO_ID: Final = "The post has no id."
_MISSING_FILES: Final = "Pictures or videos came with this post: see it on X."


def id_of(post: Mapping[str, object], name: str = "id") -> str:
    """Return an id of a post; empty if it has no valid one."""
    value = post.get(name)
    is_id = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_ID
    return value if is_id and isinstance(value, str) else ""


def versions_of(post: Mapping[str, object]) -> Sequence[str]:
    """Return the ids of a post's versions, oldest first; its own last."""
    history = post.get("edit_history_tweet_ids")
    known = [each for each in history if isinstance(each, str) and each.isdigit()] if isinstance(history, list) else []
    return known or [id_of(post)]


def names_us(post: Mapping[str, object], *, own: str) -> bool:
    """Return whether the post's own words name us: X also counts the names of those whom a reply answers."""
    entities, shown = post.get("entities"), post.get("display_text_range")
    mentions = entities.get("mentions") if isinstance(entities, dict) else None
    start = shown[0] if isinstance(shown, list) and shown and isinstance(shown[0], int) else 0
    ours = (
        [each for each in mentions if isinstance(each, dict) and each.get("id") == own]
        if isinstance(mentions, list)
        else None
    )
    # Without entities nothing shows the difference, and no customer may be passed over.
    return ours is None or any(isinstance(each.get("start"), int) and each["start"] >= start for each in ours)


def is_repost(post: Mapping[str, object]) -> bool:
    """Return whether the post only passes on another's."""
    referenced = post.get("referenced_tweets")
    return isinstance(referenced, list) and any(
        isinstance(each, dict) and each.get("type") == "retweeted" for each in referenced
    )


def raw_of(post: Mapping[str, object], author: Mapping[str, object] | None, *, now: datetime) -> RawMessage:
    """Return a post as it is stored, under the id of its first version; without a valid id a stub for agents."""
    content = write_document({"post": dict(post), "author": author}, form=FORM, source="poll")
    number = id_of(post)
    key, defect = (versions_of(post)[0], "") if number else (f"?{sha256(content).hexdigest()[:32]}", _NO_ID)
    at = min(time_of(number) or now, now)
    return RawMessage(source_key=key, content=content, received_at=at, defect=defect)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored post. Raises UnreadableDocument."""
    record = read_document(message.content).record
    post, author = record.get("post"), record.get("author")
    if not isinstance(post, dict) or not id_of(post, "author_id"):
        raise UnreadableDocument("The post has no author.")
    known, versions = author if isinstance(author, dict) else {}, versions_of(post)
    username = text_of(known, "username")
    name = " ".join(filter(None, (text_of(known, "name"), f"@{username}" if username else "")))
    conversation = id_of(post, "conversation_id") or versions[0]
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.X, id_of(post, "author_id"), name),
        received_at=message.received_at,
        text=_words(post),
        sent_at=time_of(id_of(post)),
        rfc_message_id=f"{versions[0]}@{channel}.{FORM}",
        # Of one author: two angry people under one post are two cases.
        thread=f"{conversation}/{id_of(post, 'author_id')}/{channel}.{FORM}",
        defects=(_MISSING_FILES,) if post.get("attachments") else (),
        public=True,
        revision=Revision(of=message.source_key, kind=RevisionKind.EDITED, order=len(versions)),
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every fetch of one version: counts of likes change. Raises UnreadableDocument."""
    post = read_document(content).record.get("post")
    if not isinstance(post, dict):
        raise UnreadableDocument("The record has no post.")
    return lasting(id_of(post), id_of(post, "author_id"), text_of(post, "text"))


def post_answered(name: str) -> str:
    """Return the id of the post that a Message-ID of `read` stands for; empty for others."""
    head, at, _ = name.partition("@")
    return head if at and head.isdigit() else ""


def _words(post: Mapping[str, object]) -> str:
    """Return the words without the names of those whom a reply answers, which X puts in front."""
    text, shown = html.unescape(text_of(post, "text")), post.get("display_text_range")
    start = shown[0] if isinstance(shown, list) and shown and isinstance(shown[0], int) else 0
    return text[start:] if 0 < start < len(text) else text


def weight_of(text: str) -> int:
    """Return the length as X counts it: two for each character beyond Latin, general punctuation and the like."""
    light = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
    return sum(1 if any(low <= ord(letter) <= high for low, high in light) else 2 for letter in text)

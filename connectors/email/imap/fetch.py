"""Find and fetch mail in a selected IMAP folder: explicit UIDs, sizes first, a result for each UID.

Never use a range in a FETCH and never SEARCH ALL: imaplib accepts at most a million bytes in one line of an answer,
and `n:*` matches the last message even if its UID is below n (RFC 3501 section 6.4.8).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from imapclient import IMAPClient

from connectors.base import RawMessage
from connectors.email.imap.cursor import ImapCursor
from router.errors import TransientError

# UIDs in one answer: at most eleven bytes each, so half of what imaplib accepts in a line.
WINDOW: Final = 50_000

# Enough of a header to show the sender and the subject; a hostile one may have megabytes.
_HEADER_BYTES: Final = 262_144

_BODY: Final = b"BODY[]"
_HEADER: Final = b"BODY[HEADER]"
_PARTIAL: Final = re.compile(rb"<[\d.]*>$")

_BOUNDARY: Final = re.compile(rb"boundary[ \t]*=[ \t\n]*(?:\"([^\"\n]+)\"|([^\s;\"]+))", re.IGNORECASE)

# How many octets beyond the end of a body are asked for, to see whether there are any.
_PROBE: Final = 1024
# An estimated size may be somewhat too high; a body of less than this part of it is a part of a message.
_LEAST: Final = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMail:
    """A message that the server has. size: None if the server does not give it."""

    uid: int
    size: int | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUids:
    """UIDs above a mark, ascending. through: if the search stopped early, the UID that it reached; else 0."""

    uids: list[int]
    through: int = 0


@dataclass(slots=True)
class Fetched:
    """The result for the UIDs of a batch. gone: expunged before we could fetch them."""

    messages: list[RawMessage] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def find_above(
    client: IMAPClient, mark: ImapCursor, *, exists: int, window: int = WINDOW, flags: Sequence[str] = ()
) -> FoundUids:
    """Return the UIDs above the mark. While the mark is in the old mail: up to its end, and since the given day.

    exists: how many messages the folder has, from SELECT.  window: how many of them one search covers.
    flags: search keys that each message must fulfil, such as UNDRAFT (RFC 3501 section 6.4.4).
    """
    read = mark.read
    since: list[str | date] = ["SINCE", mark.since] if mark.in_old_mail and mark.since else []
    asked = [*since, *flags]
    while True:
        found = _search(client, mark, read, exists=exists, window=window, asked=asked)
        if found.uids or not found.through:
            return found
        read = found.through


def _search(
    client: IMAPClient, mark: ImapCursor, read: int, *, exists: int, window: int, asked: list[str | date]
) -> FoundUids:
    last = mark.old if mark.in_old_mail else 0
    if exists <= window:
        uids = client.search(["UID", f"{read + 1}:{last or '*'}", *asked])
        return FoundUids(uids=sorted(uid for uid in uids if uid > read))
    return _search_window(client, read, last=last, asked=asked, exists=exists, window=window)


def _search_window(
    client: IMAPClient, read: int, *, last: int, asked: list[str | date], exists: int, window: int
) -> FoundUids:
    # Sequence numbers have no gaps, so a window of them has a known size. They shift when a message is expunged
    # meanwhile: the window begins one before the first new message, and the result must contain that message.
    first = _sequence_above(client, read, exists)
    if first > exists:
        return FoundUids(uids=[])
    numbers = f"{max(1, first - 1)}:{min(exists, first + window)}"
    seen = sorted(client.search([numbers]))
    if not seen or (first > 1 and seen[0] > read):
        raise TransientError("the mailbox changed while it was searched")
    wanted = set(client.search([numbers, *asked])) if asked else set(seen)
    uids = [uid for uid in seen if read < uid <= (last or seen[-1]) and uid in wanted]
    finished = first + window >= exists or 0 < last <= seen[-1]
    return FoundUids(uids=uids, through=0 if finished else seen[-1])


def _sequence_above(client: IMAPClient, read: int, exists: int) -> int:
    low, high = 1, exists + 1
    while low < high:
        middle = (low + high) // 2
        uids = client.search([str(middle)])
        if not uids:
            raise TransientError("the mailbox changed while it was searched")
        low, high = (middle + 1, high) if uids[0] <= read else (low, middle)
    return low


def list_messages(client: IMAPClient, uids: Sequence[int], *, now: datetime) -> list[ListedMail]:
    """Return size and date of those UIDs that still exist, in their order."""
    answers = _ask(client, uids, "RFC822.SIZE", "INTERNALDATE")
    if answers is None:
        return [_list_one(client, uid, now) for uid in uids] if len(uids) > 1 else [_unsized(uids[0], now)]
    return [_listed(uid, answers[uid], now) for uid in uids if uid in answers]


def _list_one(client: IMAPClient, uid: int, now: datetime) -> ListedMail:
    answers = _ask(client, [uid], "RFC822.SIZE", "INTERNALDATE")
    return _listed(uid, answers[uid], now) if answers and uid in answers else _unsized(uid, now)


def _unsized(uid: int, now: datetime) -> ListedMail:
    return ListedMail(uid=uid, size=None, received_at=now)


def _listed(uid: int, answer: dict[bytes, Any], now: datetime) -> ListedMail:
    size, received = answer.get(b"RFC822.SIZE"), answer.get(b"INTERNALDATE")
    try:
        # A server's clock may be ahead of ours; no message was received in the future.
        at = min(received.astimezone(UTC), now) if isinstance(received, datetime) else now
    except OverflowError:
        at = now
    return ListedMail(uid=uid, size=size if isinstance(size, int) else None, received_at=at)


def fetch_messages(client: IMAPClient, listed: Sequence[ListedMail], *, epoch: str, largest: int) -> Fetched:
    """Fetch the messages in order without marking them read; each UID yields a message or is reported as gone.

    Of a message above `largest` only the header is fetched; of one that the server refuses or cuts, what it does
    return, possibly nothing; all of them carry a defect that says so. A message that was expunged is left out.
    Raises TransientError when the server returns no other message either: then the server is busy.
    """
    whole = [message.uid for message in listed if message.size is not None and message.size <= largest]
    bodies = _contents(_ask(client, whole, "BODY.PEEK[]"), _BODY)
    missing = [message.uid for message in listed if message.uid not in bodies]
    there = set(client.search(["UID", ",".join(map(str, missing))])) if missing else set()
    fetched = Fetched(gone=[uid for uid in missing if uid not in there])
    for message in listed:
        content, defect = bodies.get(message.uid, b""), ""
        if message.uid in there:
            content, defect = _rescue(client, message, largest)
        elif len(content) < (message.size or 0):
            content, defect = _ask_again(client, message, content)
        if message.uid in bodies or message.uid in there:
            fetched.messages.append(raw(message, epoch=epoch, content=content, defect=defect))
    refused = {message.uid for message in listed if message.uid in there} - _had(fetched)
    if refused and not _hands_out_others(client, refused):
        raise TransientError(f"the server returned neither these {len(refused)} messages nor any other")
    return fetched


def _had(fetched: Fetched) -> set[int]:
    return {int(message.source_key.rpartition(":")[2]) for message in fetched.messages if message.content}


def _hands_out_others(client: IMAPClient, refused: set[int]) -> bool:
    """Return whether the first or the last message of the mailbox can be fetched, if they are not among the refused."""
    ends = {uid for place in ("1", "*") for uid in client.search([place])}
    answers = (_ask(client, [uid], f"BODY.PEEK[HEADER]<0.{_HEADER_BYTES}>") for uid in ends - refused)
    return any(_contents(answer, _HEADER) for answer in answers)


def raw(message: ListedMail, *, epoch: str, content: bytes, defect: str) -> RawMessage:
    """Return the message as the `Connector` contract wants it."""
    key = f"{epoch}:{message.uid}"
    return RawMessage(source_key=key, content=content, received_at=message.received_at, defect=defect)


def _rescue(client: IMAPClient, message: ListedMail, largest: int) -> tuple[bytes, str]:
    uid, size = message.uid, message.size or 0
    if size <= largest:
        # Without a size we ask for as much as we accept and one byte more.
        item = "BODY.PEEK[]" if message.size is not None else f"BODY.PEEK[]<0.{largest + 1}>"
        content = _contents(_ask(client, [uid], item), _BODY).get(uid)
        if content and len(content) <= largest:
            return content, ""
        size = len(content or b"")
    header = _header(client, uid)
    if size > largest:
        said = message.size or f"more than {largest}"
        why = f"the message has {said} bytes, more than the {largest} that this channel accepts"
    else:
        why = f"the server did not return the message with UID {uid}"
    return header, why + ("; only its header was fetched" if header else "")


def _header(client: IMAPClient, uid: int) -> bytes:
    return _contents(_ask(client, [uid], f"BODY.PEEK[HEADER]<0.{_HEADER_BYTES}>"), _HEADER).get(uid, b"")


def _ask_again(client: IMAPClient, message: ListedMail, first: bytes) -> tuple[bytes, str]:
    """Return a message whose body is shorter than its size, asked for a second time; with a defect if it is cut."""
    uid, size = message.uid, message.size or 0
    second = _contents(_ask(client, [uid], "BODY.PEEK[]"), _BODY).get(uid, b"")
    content = max(first, second, key=len)
    if len(content) >= size or (content.strip() and not _is_cut(client, message, content)):
        return content, ""
    why = f"the server returned {len(content)} of the {size} bytes of the message with UID {uid}"
    return content if content.strip() else _header(client, uid), why


def _is_cut(client: IMAPClient, message: ListedMail, content: bytes) -> bool:
    """Return whether a body that is shorter than its size is a part of the message.

    Exchange and others estimate sizes (RFC 3501 section 2.3.4 wants them exact), so a difference alone proves nothing.
    """
    beyond = _contents(_ask(client, [message.uid], f"BODY.PEEK[]<{len(content)}.{_PROBE}>"), _BODY)
    follows = beyond.get(message.uid, b"")
    if follows and not content.startswith(follows[:_PROBE]):
        return True
    header, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    boundary = _BOUNDARY.search(header)
    unfinished = boundary and b"--" + (boundary[1] or boundary[2]) + b"--" not in body
    return not body or bool(unfinished) or len(content) < (message.size or 0) * _LEAST


def _ask(client: IMAPClient, uids: Sequence[int], *items: str) -> dict[int, dict[bytes, Any]] | None:
    """Return the server's answers by UID; None if the command failed as a whole."""
    if not uids:
        return {}
    try:
        return dict(client.fetch(uids, list(items)))
    except IMAPClient.AbortError:
        raise
    except (IMAPClient.Error, ValueError, TypeError, LookupError):
        # The server answered NO, or something that IMAPClient cannot parse; in both cases the connection is in step.
        return None


def _contents(answers: dict[int, dict[bytes, Any]] | None, item: bytes) -> dict[int, bytes]:
    """Return the content of one item by UID, under whatever name the server gives it."""
    contents = ((uid, _content(answer, item)) for uid, answer in (answers or {}).items())
    return {uid: content for uid, content in contents if content is not None}


def _content(answer: dict[bytes, Any], item: bytes) -> bytes | None:
    values = (value for name, value in answer.items() if _item_of(name) == item)
    return next((value for value in values if isinstance(value, bytes)), None)


def _item_of(name: bytes) -> bytes:
    # The answer to a partial fetch is named with its first octet; some servers add the count or leave out both.
    plain = _PARTIAL.sub(b"", name.upper()).replace(b".PEEK", b"")
    return {b"RFC822": _BODY, b"RFC822.HEADER": _HEADER}.get(plain, plain)

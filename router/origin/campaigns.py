"""Recognise mail that a program sends to many and nobody asked us about: newsletters and advertising.

It is set apart, so every doubt speaks for a person: a customer's mail that a list passes on carries a list's fields
too, and a small shop's mail server adds List-Unsubscribe (RFC 2369 section 3.2) to all that leaves it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from router.envelope import Envelope
from router.origin.correspondent import ORIGINAL_AUTHORS
from router.origin.machine_senders import is_deaf, is_robot
from router.origin.mailing_lists import CAMPAIGN_MARKS, is_of_group
from router.origin.own_side import SHARED_DOMAINS, domain_of, is_own
from router.text.case_tokens import TOKEN

_OFFERS_TO_LEAVE: Final = re.compile(
    r"unsubscribe|opt[ -]?out|manage (?:your )?(?:email )?preferences|(?:stop|no longer) (?:wish to )?receiv"
    "|退订|退訂|取消订阅|取消訂閱|不再接收|拒收",
    re.IGNORECASE,
)
# RFC 2369 section 3.4: the list takes no posts.
_NO_POSTS: Final = "no"
# Fields of what lists pass on for their members.
_RELAYS: Final = ("mailing-list", *ORIGINAL_AUTHORS)


def is_campaign(envelope: Envelope, headers: Mapping[str, str], *, precedence: str, own: frozenset[str]) -> bool:
    """Return whether the mail is a newsletter or advertising, beyond doubt.

    headers: of the lists and programs, one value a name.  own: our addresses, in lower case.
    """
    return (
        "list-unsubscribe" in headers
        and not _may_be_persons(envelope, headers, precedence=precedence, own=own)
        and _is_to_many(envelope, headers, precedence=precedence)
    )


def _may_be_persons(envelope: Envelope, headers: Mapping[str, str], *, precedence: str, own: frozenset[str]) -> bool:
    """Return whether a person may have written to us: through a list, in answer to a mail, or from an own mailbox."""
    sender = envelope.sender.handle
    takes_posts = headers.get("list-post", _NO_POSTS).strip().casefold() != _NO_POSTS
    is_relayed = takes_posts or precedence == "list" or any(name in headers for name in _RELAYS)
    # Old list software names itself in this field alone.
    is_our_group = is_of_group("list-unsubscribe", headers["list-unsubscribe"].casefold(), own)
    is_answer = bool(envelope.ancestors) or TOKEN.search(envelope.subject) is not None
    # What a list passes on names the list as its addressee, and not us.
    is_to_us = any(is_own(party.handle, own) for party in envelope.recipients)
    is_own_mailbox = domain_of(sender) in SHARED_DOMAINS
    return is_relayed or is_our_group or is_answer or not is_to_us or is_own_mailbox


def _is_to_many(envelope: Envelope, headers: Mapping[str, str], *, precedence: str) -> bool:
    """Return whether a second sign says so: List-Unsubscribe alone is what some servers add to every mail."""
    sender = envelope.sender.handle
    marked = precedence in {"bulk", "junk"} or any(name in headers for name in ("list-id", *CAMPAIGN_MARKS))
    return marked or is_deaf(sender) or is_robot(sender) or _offers_to_leave(envelope)


def _offers_to_leave(envelope: Envelope) -> bool:
    """Return whether the mail itself says how to get no more; most do so in their last lines."""
    return any(_OFFERS_TO_LEAVE.search(part) for part in (envelope.text, envelope.signature, envelope.quoted))

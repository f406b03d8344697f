"""Recognise mail that a program sends to many: newsletters and advertising.

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
from router.origin.own_side import SHARED_DOMAINS, domain_of, is_own, is_within
from router.text.case_tokens import TOKEN
from router.threads.subject_lines import is_answer_subject

_OFFERS_TO_LEAVE: Final = re.compile(
    r"unsubscribe|opt[ -]?out|manage (?:your )?(?:email )?preferences|(?:stop|no longer) (?:wish to )?receiv"
    "|退订|退訂|取消订阅|取消訂閱|不再接收|拒收",
    re.IGNORECASE,
)
# Mailboxes from which advertising comes; a person of a shop may write from any other, such as info or hello.
_ADVERTISES: Final = frozenset({
    "news", "newsletter", "newsletters", "marketing", "promo", "promos", "promotion", "promotions", "edm",
    "offers", "deals", "digest", "campaign", "campaigns",
})  # fmt: skip
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
    # Some programs answer without a word on what.
    is_answer = bool(envelope.ancestors) or is_answer_subject(envelope.subject)
    is_answer = is_answer or TOKEN.search(envelope.subject) is not None
    # What a list passes on names the list as its addressee, and not us.
    is_to_us = any(is_own(party.handle, own) for party in envelope.recipients)
    is_own_mailbox = domain_of(sender) in SHARED_DOMAINS
    return is_relayed or is_our_group or is_answer or not is_to_us or is_own_mailbox or _is_for_other(envelope, headers)


def _is_for_other(envelope: Envelope, headers: Mapping[str, str]) -> bool:
    """Return whether answers go elsewhere: a shop's form names its customer so, whatever service sends it."""
    from_domain = domain_of(envelope.sender.handle)
    others = {domain_of(party.handle) for party in envelope.reply_to} - {from_domain}
    is_marked = any(name in headers for name in CAMPAIGN_MARKS)
    strange = [each for each in others if not _are_related(each, from_domain)]
    return not others.isdisjoint(SHARED_DOMAINS) or bool(strange and not is_marked)


def _are_related(one: str, other: str) -> bool:
    return is_within(one, frozenset({other})) or is_within(other, frozenset({one}))


def _is_to_many(envelope: Envelope, headers: Mapping[str, str], *, precedence: str) -> bool:
    """Return whether a second sign says so: List-Unsubscribe alone is what some servers add to every mail."""
    marked = precedence in {"bulk", "junk"} or any(name in headers for name in ("list-id", *CAMPAIGN_MARKS))
    return marked or (_is_unattended(envelope.sender.handle) and _offers_to_leave(envelope))


def _is_unattended(sender: str) -> bool:
    """Return whether no customer writes from this mailbox; a notice about a payment comes from such a one too."""
    local = sender.partition("@")[0].casefold()
    return is_deaf(sender) or is_robot(sender) or local in _ADVERTISES


def _offers_to_leave(envelope: Envelope) -> bool:
    """Return whether the mail itself says how to get no more.

    A customer says the same of what is charged each month, or quotes our own newsletter: what is quoted does not count.
    """
    return any(_OFFERS_TO_LEAVE.search(part) for part in (envelope.text, envelope.signature))

"""Which marks of a mailing list a mail carries (RFC 2919, RFC 2369), and whether the list is a group of our own.

A desk whose address is a group gets every customer's mail by that group's list: its marks say nothing about the author.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from router.origin.own_side import domain_of, is_own, is_within

# The fields that name the list itself.
LIST_NAMES: Final = ("list-id", "list-post", "mailing-list")
# Not Feedback-ID: Tencent's servers add it to mail of persons.
_MARKS: Final = (*LIST_NAMES, "list-unsubscribe", "list-help", "list-owner", "list-archive")
# Of programs that send to many, whichever list passes it on.
CAMPAIGN_MARKS: Final = ("x-campaignid", "x-mc-user")
_ADDRESS: Final = re.compile(r"[^\s<>,;:\"()?]+@[^\s<>,;:\"()?]+")
_LINK_HOST: Final = re.compile(r"https?://([^/\s>:?]+)", re.IGNORECASE)
# The hosts whose addresses and links a hosted group carries in place of its owner's domain.
_GROUP_HOSTS: Final = frozenset({"googlegroups.com", "groups.google.com", "support.google.com", "groups.io"})


@dataclass(frozen=True, slots=True)
class ListMarks:
    """is_own: a list of our own address passed the mail on.  foreign: the headers that speak of other lists."""

    is_own: bool
    foreign: tuple[str, ...]


_NO_MARKS: Final = ListMarks(False, ())


def list_marks(headers: Iterable[tuple[str, str]], *, own_addresses: frozenset[str]) -> ListMarks:
    """Return the marks of lists in a mail. own_addresses: in lower case.

    A newsletter that passes a group of ours stays one: its own fields name neither our address nor our group's host.
    """
    marked = [(name, value.casefold()) for name, value in headers if name in _MARKS or name in CAMPAIGN_MARKS]
    if not marked:
        return _NO_MARKS
    is_ours = any(_names_own(value, own_addresses) for name, value in marked if name in LIST_NAMES)
    if not is_ours:
        return ListMarks(False, tuple(name for name in (*_MARKS, *CAMPAIGN_MARKS) if name in dict(marked)))
    foreign = {name: value for name, value in marked if not is_of_group(name, value, own_addresses)}
    return ListMarks(True, tuple(foreign))


def is_of_group(name: str, value: str, own: frozenset[str]) -> bool:
    """Return whether a field belongs to our group: it names our address, our domain or the group's host."""
    if name in CAMPAIGN_MARKS:
        return False
    if name in {"list-id", "list-post"}:
        return _names_own(value, own)
    domains = {domain_of(address) for address in own}
    hosts = [*(domain_of(address) for address in _ADDRESS.findall(value)), *_LINK_HOST.findall(value)]
    return all(_is_below(host, domains) or host in _GROUP_HOSTS for host in hosts)


def _is_below(host: str, domains: set[str]) -> bool:
    """Return whether a host is one of these domains, below one, or its parent where the group has a subdomain."""
    above = {host} if "." in host else set()
    return any(is_within(host, frozenset({domain})) or is_within(domain, frozenset(above)) for domain in domains)


def _names_own(value: str, own: frozenset[str]) -> bool:
    """Return whether a field names a list of ours: by its address, or in List-Id with a dot for the @."""
    if any(is_own(address.removeprefix("mailto:"), own) for address in _ADDRESS.findall(value)):
        return True
    _, opened, rest = value.rpartition("<")
    dotted = (rest.partition(">")[0] if opened else value).strip()
    return any(dotted == address.replace("@", ".") for address in own)

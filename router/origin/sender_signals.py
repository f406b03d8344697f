"""What speaks for and against the sender being who they seem: shown to agents, usable in routes, proof of nothing.

Identity hangs on the address alone; trust in the address on what our own mail server found (RFC 8601, RFC 7489).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.envelope import Envelope, PartyKind
from router.lookalikes import looks_like
from router.text.chinese_script import fold_case
from router.text.patterns import matches_at, occurrences

# As the normaliser says it in `Envelope.defects` (RFC 5322 section 3.6.2 wants a Sender field beside several authors).
SEVERAL_AUTHORS: Final = "The mail names more than one author."
_RESULTS: Final = re.compile(r"(?:^|;)\s*(dmarc|dkim|spf)\s*=\s*([a-z]+)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\([^()]{0,500}\)")
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{1,255}")
_TEXT_CHARACTERS: Final = 2_000
# What people say who want to be taken for staff; in a name, and in the text.
_STAFF_NAMES: Final = re.compile(
    r"客服|官方|风控|安全中心|系统管理员|管理员|工作人员|(?<!\w)(?:support|customer service|"
    r"help ?desk|administrator|admin|security (?:team|center|centre)|staff|official)(?!\w)",
    re.IGNORECASE,
)
_STAFF_WORDS: Final = re.compile(
    r"我是(?:你们|贵司|本公司|公司|内部)?的?(?:客服|员工|工作人员|管理员|技术人员|风控|同事)|(?:本公司|内部)员工|"
    r"(?<!\w)(?:i am|i'm|this is|we are) (?:(?:a|an|the|from|your|with|one of|member of) ){0,4}"
    r"(?:(?:support|security|it|fraud|risk|internal|service) )?"
    r"(?:staff|employee|colleague|administrator|department|team|ceo|cfo)"
    r"(?!\w)"
)
_STAFF_STARTS: Final = ("我是", "本公司", "内部", "i am", "i'm", "this is", "we are")


class SignalKind(StrEnum):
    """What was noticed. verified: our server found the author's domain to be what it says (DMARC)."""

    VERIFIED = "verified"
    FORGED = "forged"
    UNVERIFIED = "unverified"
    REPLY_TO_DIFFERS = "reply_to_differs"
    LOOKALIKE_DOMAIN = "lookalike_domain"
    SEVERAL_AUTHORS = "several_authors"
    ADDRESS_IN_NAME = "address_in_name"
    CLAIMS_OUR_DOMAIN = "claims_our_domain"
    CLAIMS_STAFF = "claims_staff"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was noticed, and a sentence about it for agents."""

    kind: SignalKind
    why: str


def signals(envelope: Envelope, *, own_domains: frozenset[str], authserv_id: str | None) -> tuple[Signal, ...]:
    """Return what was noticed about the sender of a mail; nothing for other channels.

    own_domains: in lower case.
    authserv_id: by what name our own mail server signs its findings (RFC 8601 section 2.5); None if it writes none.
    """
    if envelope.sender.kind is not PartyKind.EMAIL:
        return ()
    verdict = _verdict(envelope, authserv_id)
    found = [verdict, *_addresses(envelope, own_domains), *_names(envelope)]
    domain = _domain(envelope.sender.handle)
    if domain in own_domains:
        proof = "and our server confirms it" if verdict.kind is SignalKind.VERIFIED else "and nothing confirms it"
        found.append(Signal(SignalKind.CLAIMS_OUR_DOMAIN, f"The sender's address is of our own domain, {proof}."))
    elif claim := _claim(envelope):
        found.append(Signal(SignalKind.CLAIMS_STAFF, f"The sender, a stranger, speaks as one of us: {claim!r}."))
    return tuple(found)


def _claim(envelope: Envelope) -> str:
    """Return the words by which the sender wants to be taken for staff; empty if there are none."""
    name = _STAFF_NAMES.search(envelope.sender.name)
    if name:
        return name[0]
    text = envelope.text[:_TEXT_CHARACTERS]
    lowered = fold_case(text)
    words = next(matches_at(_STAFF_WORDS, lowered, occurrences(lowered, _STAFF_STARTS)), None)
    return text[words.start() : words.end()] if words else ""


def authentication_results(envelope: Envelope, *, authserv_id: str) -> dict[str, str]:
    """Return what our own server found, by method: dmarc, dkim, spf.

    The newest field wins for each method: an older one of the same name was written before the mail reached our server,
    and a server that does not remove such fields breaks RFC 8601 section 5.
    """
    found: dict[str, str] = {}
    for field in envelope.authentication:
        signer, _, results = _COMMENT.sub(" ", field).partition(";")
        # RFC 8601 section 2.2: a version number may follow the name.
        if signer.split()[:1] == [authserv_id] or signer.split()[:1] == [authserv_id.lower()]:
            for method, result in _RESULTS.findall(results):
                found.setdefault(method.lower(), result.lower())
    return found


def _verdict(envelope: Envelope, authserv_id: str | None) -> Signal:
    if not authserv_id:
        return Signal(SignalKind.UNVERIFIED, "Our mail server is not known to check senders.")
    results = authentication_results(envelope, authserv_id=authserv_id)
    said = ", ".join(f"{method}={result}" for method, result in results.items())
    if results.get("dmarc") == "pass":
        return Signal(SignalKind.VERIFIED, f"Our mail server confirms the sender's domain ({said}).")
    if results.get("dmarc") == "fail":
        return Signal(SignalKind.FORGED, f"Our mail server says that the sender's domain did not send this ({said}).")
    return Signal(
        SignalKind.UNVERIFIED, f"Our mail server could not confirm the sender's domain ({said or 'no result'})."
    )


def _addresses(envelope: Envelope, own_domains: frozenset[str]) -> Iterator[Signal]:
    sender = envelope.sender.handle
    others = [party.handle for party in envelope.reply_to if party.handle and party.handle != sender]
    if others:
        yield Signal(SignalKind.REPLY_TO_DIFFERS, f"Answers would go to {others[0]}, the sender is {sender}.")
    for domain in dict.fromkeys(_domain(handle) for handle in (sender, *others)):
        imitated = looks_like(domain, own_domains)
        if imitated:
            yield Signal(SignalKind.LOOKALIKE_DOMAIN, f"The domain {domain} looks like ours, {imitated}.")


def _names(envelope: Envelope) -> Iterator[Signal]:
    shown = _ADDRESS.search(envelope.sender.name)
    if shown and shown[0].lower().rstrip(".>") != envelope.sender.handle:
        yield Signal(
            SignalKind.ADDRESS_IN_NAME,
            f"The sender's name shows {shown[0]}, the mail is from {envelope.sender.handle}.",
        )
    if SEVERAL_AUTHORS in envelope.defects:
        yield Signal(SignalKind.SEVERAL_AUTHORS, "The mail names several authors; the first stands for all.")


def _domain(handle: str) -> str:
    return handle.rpartition("@")[2].lower()

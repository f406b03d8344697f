"""What is proven about the sender of a message: asked by everything that would treat a sender as the contact they name.

Identity hangs on the address alone, and anybody can write any address into a From (RFC 5322 section 3.6.2). What proves
one is the finding of our own mail server (RFC 8601, RFC 7489), our own check of a DKIM signature (RFC 6376), or, on
channels that are no mail, the provider that names the sender.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.envelope import CASE_PAGE, WEB_FORM, Envelope, PartyKind
from router.reason import Reason, ReasonKey

_RESULTS: Final = re.compile(r"(?:^|;)\s*(dmarc|dkim|spf)\s*=\s*([a-z]+)(?=[\s;]|\Z)", re.IGNORECASE)


class ProofKind(StrEnum):
    """How far a sender is proven.

    failed: checked, and the sender is not who they say.  unproven: nothing confirms it, which is how most mail comes on
    a desk whose mail server's results are not configured.  proven: the sender is who they say.
    """

    FAILED = "failed"
    UNPROVEN = "unproven"
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class SenderProof:
    """What is proven about a sender, and the reason. Its properties are the rules: nothing else decides by the kind.

    hearsay: only a list or program names the sender, and it is another's, or it is not proven to be ours where mail is
        checked; else who cannot forge a domain would name it in such a field.
    """

    kind: ProofKind
    why: Reason
    hearsay: bool = False

    @property
    def inherits(self) -> bool:
        """Whether the message is treated as the contact's: labels, priority and earlier cases count in routes."""
        return self.kind is ProofKind.PROVEN

    @property
    def may_join(self) -> bool:
        """Whether the message may enter a case of the contact at all."""
        return self.kind is not ProofKind.FAILED and not self.hearsay

    @property
    def joins_by_any_sign(self) -> bool:
        """Whether any Message-ID that the case knows is enough; else only one that we sent, or our keyed token."""
        return self.kind is ProofKind.PROVEN

    @property
    def may_be_answered(self) -> bool:
        """Whether a machine may answer: what is forged would send our words to the person whose address it abuses."""
        return self.kind is not ProofKind.FAILED


def prove_sender(envelope: Envelope, *, authserv_id: str | None) -> SenderProof:
    """Return what is proven about the sender.

    authserv_id: by what name our own mail server signs its findings (RFC 8601 section 2.5); None if it writes none, or
        if strangers could have written them.
    """
    if CASE_PAGE in envelope.machine_headers:
        return SenderProof(ProofKind.PROVEN, Reason(ReasonKey.CODE_PROVES_ADDRESS))
    if envelope.sender.kind is not PartyKind.EMAIL:
        return SenderProof(ProofKind.PROVEN, Reason(ReasonKey.PROVIDER_NAMES_SENDER))
    if WEB_FORM in envelope.machine_headers:
        return SenderProof(ProofKind.UNPROVEN, Reason(ReasonKey.VISITOR_NAMES_ADDRESS))
    return _prove_mail(envelope, authserv_id=authserv_id)


def _prove_mail(envelope: Envelope, *, authserv_id: str | None) -> SenderProof:
    results = authentication_results(envelope, authserv_id=authserv_id) if authserv_id else {}
    said = {"results": ", ".join(f"{method}={result}" for method, result in results.items())}
    # RFC 7489 section 11.2; any other result confirms nothing.
    if results.get("dmarc") == "fail":
        return SenderProof(ProofKind.FAILED, Reason(ReasonKey.DOMAIN_FORGED, said))
    if results.get("dmarc") == "pass":
        return SenderProof(ProofKind.PROVEN, Reason(ReasonKey.DOMAIN_CONFIRMED, said))
    if signer := _signer(envelope):
        return SenderProof(ProofKind.PROVEN, Reason(ReasonKey.DOMAIN_SIGNED, {"domain": signer}))
    if results:
        return SenderProof(ProofKind.UNPROVEN, Reason(ReasonKey.DOMAIN_UNCONFIRMED, said))
    key = ReasonKey.DOMAIN_WITHOUT_RESULT if authserv_id else ReasonKey.SENDERS_UNCHECKED
    return SenderProof(ProofKind.UNPROVEN, Reason(key))


def authentication_results(envelope: Envelope, *, authserv_id: str) -> dict[str, str]:
    """Return what our own server found, by method: dmarc, dkim, spf.

    The newest field wins for each method: an older one of the same name was written before the mail reached our server,
    and a server that does not remove such fields breaks RFC 8601 section 5.
    """
    found: dict[str, str] = {}
    for field in envelope.authentication:
        signer, _, results = _bare(field).partition(";")
        # RFC 8601 section 2.2: a version number may follow the name.
        if [name.lower() for name in signer.split()[:1]] == [authserv_id.lower()]:
            for method, result in _read(results).items():
                found.setdefault(method, result)
    return found


def _read(results: str) -> dict[str, str]:
    """Return the results of one field, the first of each method; of DMARC, of which there is one, the worst."""
    found: dict[str, str] = {}
    for method, result in (pair.lower().split("=") for pair in map("=".join, _RESULTS.findall(results))):
        if method == "dmarc" and result == "fail":
            found[method] = result
        found.setdefault(method, result)
    return found


def _bare(field: str) -> str:
    """Return a field without its comments and quoted strings, in which the sender's own words may stand."""
    if "(" not in field and '"' not in field:
        return field
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in field:
        if escaped:
            escaped = False
        elif character == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = character != '"'
        elif character == '"' and not depth:
            quoted = True
        elif character == "(":
            depth += 1
            kept.append(" ")
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def speaks_for(signer: str, *, domain: str) -> bool:
    """Return whether a signature of one domain proves a sender of another. Both in lower case.

    A domain speaks for itself and for what is below it. The other way round needs the public suffix list, without
    which a customer of a provider would speak for the provider.
    """
    return "." in signer and (domain == signer or domain.endswith(f".{signer}"))


def _signer(envelope: Envelope) -> str:
    """Return the domain whose signature we checked ourselves and that speaks for the sender's; empty if none does."""
    domain = envelope.sender.handle.rpartition("@")[2].lower()
    return next((each for each in envelope.signed_by if speaks_for(each, domain=domain)), "")

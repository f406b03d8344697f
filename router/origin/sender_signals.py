"""Signals for and against the sender's claimed identity: shown to agents, usable in routes, proof of nothing.

Identity hangs on the address alone; what is proven about the address is `router.origin.sender_proof`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from router.envelope import Envelope, PartyKind
from router.origin.sender_proof import ProofKind, SenderProof
from router.origin.verdicts import Signal, SignalKind
from router.reason import Reason, ReasonKey
from router.text.chinese_script import fold_case
from router.text.patterns import WordPlaces, matches_at

# Detect domains that imitate ours: letters of the same shape, one different letter, our name inside theirs.
# Source of the shapes: Unicode Technical Standard 39 section 4, "Confusable Detection", as far as domains need it.

# Letters of other alphabets, and digits, that look like Latin ones.
_SHAPES: Final = str.maketrans({
    "а": "a", "ɑ": "a", "α": "a", "в": "b", "с": "c", "ϲ": "c", "ԁ": "d", "е": "e", "ε": "e", "һ": "h", "і": "i",
    "ı": "i", "ι": "i", "ј": "j", "к": "k", "κ": "k", "ӏ": "l", "м": "m", "п": "n", "о": "o", "ο": "o", "σ": "o",
    "р": "p", "ρ": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t", "τ": "t", "υ": "u", "ν": "v", "ѵ": "v", "ѡ": "w",
    "ԝ": "w", "х": "x", "χ": "x", "у": "y", "γ": "y", "0": "o", "1": "l", "3": "e", "5": "s", "i": "l", "-": "",
})  # fmt: skip
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
# In a shorter name one letter is too large a part: "ebay.com" does not imitate "bay.com".
_SHORTEST: Final = 6


def looks_like(domain: str, own_domains: Iterable[str]) -> str:
    """Return which of our domains `domain` imitates; empty if none. Our domains and their subdomains imitate none."""
    own = sorted(own_domains)
    if not domain or any(domain == each or domain.endswith(f".{each}") for each in own):
        return ""
    shown = _decoded(domain)
    return next((each for each in own if _imitates(shown, each)), "")


# Most customers use a few domains.
@lru_cache(maxsize=4096)
def _imitates(domain: str, own: str) -> bool:
    # wallet.example.evil.com, wallet-example.evil.com
    if own in domain or own.replace(".", "-") in domain:
        return True
    skeleton, ours = _skeleton(domain), _skeleton(own)
    if skeleton == ours or skeleton.endswith(f".{ours}"):
        return True
    name, their_name = own.partition(".")[0], _registered(domain)
    if len(name) < _SHORTEST:
        return False
    # wallet-support.com, mywallet.com: our name with words of trust.
    return _is_near(_skeleton(their_name), _skeleton(name)) or _with_words_of_trust(their_name, name)


def _is_near(name: str, ours: str) -> bool:
    return OSA.distance(name, ours, score_cutoff=1) <= 1


def _with_words_of_trust(name: str, ours: str) -> bool:
    rest = name.replace(ours, " ", 1).strip(" -") if ours in name else None
    return rest is not None and all(word in _TRUST for word in rest.replace("-", " ").split())


_TRUST: Final = frozenset({
    "support", "service", "help", "secure", "security", "login", "account", "pay", "official", "verify", "online",
    "mail", "my", "app", "cn", "hk", "kefu", "team", "center", "info",
})  # fmt: skip


def _registered(domain: str) -> str:
    """Return the registered name: the label before the last, or before a last pair such as `com.cn`."""
    labels = domain.split(".")
    depth = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return labels[-depth] if len(labels) >= depth else labels[0]


def _decoded(domain: str) -> str:
    """Return the domain as a reader sees it (RFC 5891: labels that begin with xn-- are in another alphabet)."""
    if "xn--" not in domain:
        return unicodedata.normalize("NFKC", domain)
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def _skeleton(domain: str) -> str:
    plain = unicodedata.normalize("NFD", domain.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_SHAPES)
    for pair, letter in _PAIRS:
        bare = bare.replace(pair, letter)
    return bare


# The normaliser's text in `Envelope.defects` (RFC 5322 section 3.6.2 requires a Sender field with several authors).
SEVERAL_AUTHORS: Final = "The mail names more than one author."
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{1,255}")
_TEXT_CHARACTERS: Final = 2_000
# Phrases of senders who pretend to be staff; in a name, and in the text.
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
_STAFF_STARTS: Final = WordPlaces("我是", "本公司", "内部", "i am", "i'm", "this is", "we are")
_STAFF_PLACES: Final = WordPlaces("support", "customer service", "help", "admin", "security", "staff", "official")


# The signal that shows how far the sender is proven.
_VERDICTS: Final = {
    ProofKind.PROVEN: SignalKind.VERIFIED,
    ProofKind.FAILED: SignalKind.FORGED,
    ProofKind.UNPROVEN: SignalKind.UNVERIFIED,
}


def signals(envelope: Envelope, *, own_domains: frozenset[str], proof: SenderProof) -> tuple[Signal, ...]:
    """Return what was noticed about the sender of a mail, the proof first; nothing for other channels.

    own_domains: in lower case.  proof: of this sender.
    """
    if envelope.sender.kind is not PartyKind.EMAIL:
        return ()
    verdict = Signal(_VERDICTS[proof.kind], proof.why)
    found = [verdict, *_addresses(envelope, own_domains), *_names(envelope)]
    domain = _domain(envelope.sender.handle)
    if domain in own_domains:
        is_confirmed = verdict.kind is SignalKind.VERIFIED
        key = ReasonKey.OWN_DOMAIN_CONFIRMED if is_confirmed else ReasonKey.OWN_DOMAIN_UNCONFIRMED
        found.append(Signal(SignalKind.CLAIMS_OUR_DOMAIN, Reason(key)))
    elif claim := _claim(envelope):
        found.append(Signal(SignalKind.CLAIMS_STAFF, Reason(ReasonKey.CLAIMS_STAFF, {"words": claim})))
    return tuple(found)


def _claim(envelope: Envelope) -> str:
    """Return the words with which the sender pretends to be staff; empty if there are none."""
    shown = envelope.sender.name
    # Most names have none of the words, and a look for each of them takes a tenth of the pattern's time.
    may_claim = not shown.isascii() or _STAFF_PLACES.are_in(shown.lower())
    if may_claim and (name := _STAFF_NAMES.search(shown)):
        return name[0]
    text = envelope.text[:_TEXT_CHARACTERS]
    lowered = fold_case(text)
    words = next(matches_at(_STAFF_WORDS, lowered, _STAFF_STARTS.starts(lowered)), None)
    return text[words.start() : words.end()] if words else ""


def _addresses(envelope: Envelope, own_domains: frozenset[str]) -> Iterator[Signal]:
    sender = envelope.sender.handle
    others = [party.handle for party in envelope.reply_to if party.handle and party.handle != sender]
    if others:
        why = Reason(ReasonKey.REPLY_TO_DIFFERS, {"reply_to": others[0], "sender": sender})
        yield Signal(SignalKind.REPLY_TO_DIFFERS, why)
    for domain in dict.fromkeys(_domain(handle) for handle in (sender, *others)):
        imitated = looks_like(domain, own_domains)
        if imitated:
            why = Reason(ReasonKey.LOOKALIKE_DOMAIN, {"domain": domain, "ours": imitated})
            yield Signal(SignalKind.LOOKALIKE_DOMAIN, why)


def _names(envelope: Envelope) -> Iterator[Signal]:
    name = envelope.sender.name
    shown = _ADDRESS.search(name) if "@" in name else None
    if shown and shown[0].lower().rstrip(".>") != envelope.sender.handle:
        why = Reason(ReasonKey.ADDRESS_IN_NAME, {"shown": shown[0], "sender": envelope.sender.handle})
        yield Signal(SignalKind.ADDRESS_IN_NAME, why)
    if SEVERAL_AUTHORS in envelope.defects:
        yield Signal(SignalKind.SEVERAL_AUTHORS, Reason(ReasonKey.SEVERAL_AUTHORS))


def _domain(handle: str) -> str:
    return handle.rpartition("@")[2].lower()

"""Check the DKIM signatures of mail ourselves (RFC 6376): keys are asked from DNS here, the mail is read in the child.

Only signatures that could prove the sender are looked at: those of the From's domain or of one above it. So no mail
makes us ask for names of other domains, and a mail costs a few questions at most. Everything that goes wrong means that
nothing is proven (RFC 6376 section 6.1): no mail is refused because of its signature, or delayed beyond the limits.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Final, Protocol

import structlog

from connectors.base import Arrival, RawMessage
from connectors.email.sandbox.parent import Guard
from router.envelope import Envelope, from_json, to_json
from router.errors import ConfigError, TransientError
from router.origin.sender_proof import authentication_results, speaks_for
from router.settings import Settings

# Of one question, and of all for a batch: a sender of SMTP waits for us meanwhile.
_SECONDS_A_NAME: Final = 2.0
_SECONDS_A_BATCH: Final = 6.0
# Mailing lists and providers sign twice or three times; more is an attack on DNS.
_MOST_SIGNATURES: Final = 4
_LARGEST_HEAD: Final = 65_536
# A key of 4,096 bits has 736 letters.
_LARGEST_KEY: Final = 4_096
# The library looks at each run of blanks once from each of its places.
_LONGEST_BLANKS: Final = b" " * 1_000

_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_SIGNATURE: Final = re.compile(rb"^dkim-signature[ \t]*:((?:[^\n]*\n[ \t])*[^\n]*)", re.IGNORECASE | re.MULTILINE)
_TAG: Final = re.compile(rb"(?:\A|;)\s*(d|s)\s*=\s*([A-Za-z0-9._-]{1,253})\s*(?=;|\Z)")

# Returns the TXT record of a name; empty if there is none, or it does not come within that many seconds.
TxtLookup = Callable[[str, float], bytes]

_log = structlog.get_logger()


class SignatureCheck(Protocol):
    """Notes in the envelopes of a batch whose signatures were checked."""

    def note(self, messages: Sequence[RawMessage], arrivals: Sequence[Arrival], *, guard: Guard) -> list[Arrival]:
        """Return the arrivals, with `Envelope.signed_by` where a signature proves the sender's domain.

        messages: as fetched, in the order of the arrivals.
        """


class DkimCheck:
    """See `SignatureCheck`. Used by several threads, each with a guard of its own."""

    def __init__(self, believed: Callable[[str], str | None], *, look_up: TxtLookup) -> None:
        """believed: by a channel's name, whose results make a check of ours needless."""
        self._believed, self._look_up = believed, look_up

    def note(self, messages: Sequence[RawMessage], arrivals: Sequence[Arrival], *, guard: Guard) -> list[Arrival]:
        """See `SignatureCheck`."""
        until = time.monotonic() + _SECONDS_A_BATCH
        return [
            self._noted(message, arrival, guard=guard, until=until)
            for message, arrival in zip(messages, arrivals, strict=True)
        ]

    def _noted(self, message: RawMessage, arrival: Arrival, *, guard: Guard, until: float) -> Arrival:
        if arrival.unreadable or b"kim-signature" not in _head(message.content).lower():
            return arrival
        envelope = from_json(arrival.envelope)
        keys = self._keys(message.content, envelope, until=until)
        if not keys:
            return arrival
        try:
            signed_by = guard.signed_by(message.content, keys=keys)
        except TransientError as error:
            # The mail ended the reader that had read it a moment ago: then nothing is proven.
            _log.warning("mail.signature_unread", channel=envelope.channel, error=type(error).__name__)
            return arrival
        return replace(arrival, envelope=to_json(replace(envelope, signed_by=signed_by))) if signed_by else arrival

    def _keys(self, content: bytes, envelope: Envelope, *, until: float) -> dict[str, bytes]:
        authserv_id = self._believed(envelope.channel)
        if authserv_id and authentication_results(envelope, authserv_id=authserv_id):
            return {}
        if _LONGEST_BLANKS in content.replace(b"\t", b" "):
            return {}
        found: dict[str, bytes] = {}
        for name in dict.fromkeys(_names(content, domain=envelope.sender.handle.rpartition("@")[2].lower())):
            left = until - time.monotonic()
            if left > 0 and (key := self._look_up(name, min(left, _SECONDS_A_NAME))):
                found[name] = key[:_LARGEST_KEY]
        return found


def _head(content: bytes) -> bytes:
    end = _END_OF_HEAD.search(content, 0, _LARGEST_HEAD)
    return content[: end.start() if end else _LARGEST_HEAD]


def _names(content: bytes, *, domain: str) -> Iterator[str]:
    """Return where the keys of the signatures lie that could prove `domain` (RFC 6376 section 3.6.2.1)."""
    for field in _SIGNATURE.findall(_head(content))[:_MOST_SIGNATURES]:
        tags = dict(_TAG.findall(field.strip()))
        signer, selector = (tags.get(tag, b"").decode("ascii").lower() for tag in (b"d", b"s"))
        if selector and speaks_for(signer, domain=domain):
            yield f"{selector}._domainkey.{signer}"


def txt_lookup() -> TxtLookup:
    """Return a look-up by the machine's resolvers, with a cache. Raises ConfigError without the libraries."""
    if not (find_spec("dkim") and find_spec("dns")):
        raise ConfigError("[omniyard] check_dkim needs libraries that are not installed: pip install 'omniyard[dkim]'")
    # Half a second to load, for desks that check.
    from dns.exception import DNSException  # noqa: PLC0415
    from dns.resolver import LRUCache, Resolver  # noqa: PLC0415

    resolver = Resolver()
    resolver.cache = LRUCache(max_size=10_000)

    def look_up(name: str, seconds: float) -> bytes:
        try:
            answer = resolver.resolve(f"{name}.", "TXT", lifetime=seconds)
        except (DNSException, UnicodeError):
            return b""
        records = [b"".join(record.strings) for record in answer]
        # RFC 6376 section 3.6.2.2: several records have no defined result.
        return records[0] if len(records) == 1 else b""

    return look_up


def open_check(settings: Settings) -> SignatureCheck | None:
    """Return the check that the operator's file asks for; None if it asks for none. Raises ConfigError."""
    if not settings.omniyard.check_dkim:
        return None
    return DkimCheck(settings.believed_authserv_id, look_up=txt_lookup())

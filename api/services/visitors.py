"""Protection of the customers' pages: limits for each network address, signed forms, and case links."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from api.services.case_access import CaseAccess
from api.services.help_pages import Answers
from router.settings import Settings
from router.settings.channels.base import FormLimits
from router.status_links import LASTS, CaseLink, LinkKind, case_key, read_case_token, write_case_token
from router.threads.correlation import make_token

_MOST_ADDRESSES: Final = 20_000
_NONCE: Final = 12
_ASKED_PER_MINUTE: Final = 30
# No person fills a form faster than this; a form that was open for a day must be loaded again.
_QUICKEST, _OLDEST = timedelta(seconds=2), timedelta(hours=24)


class VisitorPace:
    """Counts the recent requests of each address, in this process. allowed: how many within `span`; 0 for any."""

    def __init__(self, *, allowed: int, span: timedelta) -> None:
        self._allowed, self._span = allowed, span
        self._lock = threading.Lock()
        self._known: OrderedDict[str, deque[datetime]] = OrderedDict()

    def takes(self, address: str, *, now: datetime) -> bool:
        """Count a request and return True; above the limit return False without counting."""
        if not self._allowed:
            return True
        with self._lock:
            times = self._known.setdefault(address, deque())
            self._known.move_to_end(address)
            while times and now - times[0] >= self._span:
                times.popleft()
            if len(times) >= self._allowed:
                return False
            times.append(now)
            if len(self._known) > _MOST_ADDRESSES:
                self._known.popitem(last=False)
        return True

    def has_room(self, address: str, *, now: datetime) -> bool:
        """Return what `takes` would, without counting: a request may turn out not to count."""
        with self._lock:
            recent = sum(now - each < self._span for each in self._known.get(address, ()))
        return not self._allowed or recent < self._allowed


class Forms:
    """Creates and checks the signed token of a form. key: at least 256 bits, for this purpose only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, *, now: datetime) -> str:
        """Return the token of a new form."""
        signed = f"{int(now.timestamp())}.{secrets.token_urlsafe(_NONCE)}"
        return f"{signed}.{self._proof(signed)}"

    def key_of(self, token: str, *, now: datetime) -> str:
        """Return the form's key; empty if we did not sign the token, or if it is too new or too old."""
        nonce, age = self._read(token, now=now)
        return f"form:{nonce}" if age is not None and _QUICKEST <= age < _OLDEST else ""

    def is_too_new(self, token: str, *, now: datetime) -> bool:
        """Return whether a form of ours was sent quicker than a person writes."""
        age = self._read(token, now=now)[1]
        return age is not None and age < _QUICKEST

    def _read(self, token: str, *, now: datetime) -> tuple[str, timedelta | None]:
        """Return the token's random part and its age; None for a token that we did not sign."""
        signed, _, proof = token.rpartition(".")
        stamp, _, nonce = signed.partition(".")
        known = hmac.compare_digest(proof.encode("utf-8", "replace"), self._proof(signed).encode())
        if not known or not stamp.isdigit():
            return "", None
        return nonce, now - datetime.fromtimestamp(int(stamp), now.tzinfo)

    def _proof(self, signed: str) -> str:
        digest = hmac.new(self._key, signed.encode("utf-8", "replace"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


class ContactForm(NamedTuple):
    """The form by which a visitor writes to the desk. channel: the name of its channel."""

    channel: str
    limits: FormLimits


class Visitors:
    """The objects that the customers' pages share. thread_key: signs thread tokens."""

    def __init__(self, settings: Settings, *, form_key: bytes, thread_key: bytes, answers: Answers) -> None:
        self.settings, self.answers, self._thread_key = settings, answers, thread_key
        self.forms, self._case_key = Forms(form_key), case_key(thread_key)
        self.access = CaseAccess(hmac.new(self._case_key, b"case access", hashlib.sha256).digest())
        # Codes, and what is entered as one: of one address in an hour.
        self.codes = VisitorPace(allowed=10, span=timedelta(hours=1))
        self.entered = VisitorPace(allowed=30, span=timedelta(hours=1))
        # What customers write on the pages of their cases.
        self.written = VisitorPace(allowed=30, span=timedelta(hours=1))
        per_hour = self.contact_form.limits.per_hour if self.contact_form else 1
        self.messages = VisitorPace(allowed=per_hour, span=timedelta(hours=1))
        # An open page polls six times a minute; a client that guesses links asks more often.
        self.looks = VisitorPace(allowed=60, span=timedelta(minutes=1))
        limits, minute = settings.limits, timedelta(minutes=1)
        self.pages = VisitorPace(allowed=limits.pages_per_minute, span=minute)
        # Questions that are put to the help centre, each of which costs a look-up.
        self.asked = VisitorPace(allowed=_ASKED_PER_MINUTE, span=minute)
        # Of all visitors together.
        self.questions = VisitorPace(allowed=limits.questions_per_second, span=timedelta(seconds=1))
        self.searches = VisitorPace(allowed=limits.searches_per_minute, span=minute)

    @property
    def contact_form(self) -> ContactForm | None:
        """The desk's contact form; None without one."""
        enabled = ((name, each) for name, each in self.settings.channels.items() if each.enabled)
        return next((ContactForm(name, form) for name, each in enabled if (form := each.contact_form)), None)

    def thread_token(self, reference: str, *, contact_id: UUID) -> str:
        """Return the token by which a message joins a case of the contact."""
        return make_token(self._thread_key, reference=reference, contact_id=contact_id)

    def write_link(self, kind: LinkKind, id_: UUID, *, now: datetime) -> str:
        """Return the path of a case's page."""
        return f"/case/{write_case_token(self._case_key, CaseLink(kind, id_, now + LASTS))}"

    def read_link(self, token: str, *, now: datetime) -> CaseLink | None:
        """Return the content of a link; None if it is not valid."""
        return read_case_token(self._case_key, token, now=now)

"""The client for Twilio: its library's synchronous client with a timeout, no log, and no record of what it sent.

One client per thread: its session and its last request are not thread-safe.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, RequestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from connectors.base import Health
from connectors.sms.phone_numbers import is_mainland_china
from router.errors import OmniyardError, PermanentError, RateLimited, TransientError
from router.settings.channels.sms import TwilioSettings
from router.settings.secret import Secret

API: Final = "https://api.twilio.com"
_PREFIX: Final = "/2010-04-01/Accounts/"
# Twilio responds within seconds; stopping us waits for at most one of these.
_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 12.0
_LIMITED_SECONDS: Final = 30.0
_CREDENTIALS: Final = (
    "Twilio refuses the credentials ({code}): check `account` and `token`; a token that was renewed in the console "
    "has another value"
)


class HttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Sends to `base`, always with a timeout; logs nothing, because URLs contain our customers' numbers."""

    def __init__(self, base: str) -> None:
        super().__init__(logger=logging.getLogger("omniyard.silent"))
        self._base = urlsplit(base)
        self.last_headers: Mapping[str, str] = {}

    def request(  # noqa: PLR0913, PLR0917  (the library's signature)
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002
        allow_redirects: bool = False,
    ) -> Response:
        """See `TwilioHttpClient`. The library rebuilds page links from its own domain, so the host is replaced here."""
        moved = urlunsplit(urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        seconds: Any = (_CONNECT_SECONDS, _READ_SECONDS)
        self.timeout = seconds
        self.last_headers = {}
        try:
            response = super().request(method, moved, params, data, headers, auth, None, allow_redirects)
        finally:
            # The library stores credentials and text here, for its own tests.
            self._test_only_last_request = self._test_only_last_response = None
        self.last_headers = response.headers or {}
        return response

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Say nothing."""

    def log_response(self, status_code: int, response: Any) -> None:  # noqa: ANN401  (the library's signature)
        """Log nothing."""

    def close(self) -> None:
        """Close the connections."""
        if self.session:
            self.session.close()


class TwilioAccount(Protocol):
    """The settings of one account, of whatever kind of channel. api_base: see `TwilioSettings`."""

    @property
    def account(self) -> Secret: ...
    @property
    def token(self) -> Secret: ...
    @property
    def api_base(self) -> str | None: ...


class Twilio:
    """One account, for one thread."""

    def __init__(self, settings: TwilioAccount) -> None:
        self.account = settings.account.reveal()
        self.base = settings.api_base or API
        self.http = HttpClient(self.base)
        self.client = Client(self.account, settings.token.reveal(), http_client=self.http)

    def get(self, path: str, params: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return the JSON object at a path below the account.

        Raises PermanentError when Twilio refuses us, RateLimited or TransientError when it may work later.
        """
        return self.get_uri(f"{_PREFIX}{self.account}{path}", params)

    def get_uri(self, uri: str, params: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return the JSON object at a `next_page_uri` or similar; a URI of another account or host is refused."""
        if not uri.startswith(f"{_PREFIX}{self.account}"):
            raise TransientError("Twilio sent a link that leads out of the account; it is not followed")
        try:
            response = self.client.request("GET", f"{API}{uri}", params=dict(params or {}))
        except RequestException as error:
            raise TransientError(unreachable(error)) from error
        if response.status_code != 200:
            raise self._refusal(response)
        return _object(response.text)

    def close(self) -> None:
        """Close the connections; callable from any thread."""
        self.http.close()

    def _refusal(self, response: Response) -> Exception:
        status, code = response.status_code, error_code(response.text)
        if status in {401, 403}:
            return PermanentError(_CREDENTIALS.format(code=code or status))
        if status == 429:
            return RateLimited(f"Twilio is asked too often ({code or 429})", seconds=self.retry_after())
        if status >= 500:
            return TransientError(f"Twilio is out of order ({status})")
        return PermanentError(f"Twilio does not accept the request ({code or status}): check `account` and `number`")

    def retry_after(self) -> float:
        """Return how long the last answer asks us to wait, in seconds."""
        stated = str(self.http.last_headers.get("Retry-After", ""))
        return float(stated) if stated.isdigit() else _LIMITED_SECONDS


def basic_auth(account: TwilioAccount) -> str:
    """Return the value of the header Authorization (RFC 7617) for an account."""
    pair = f"{account.account.reveal()}:{account.token.reveal()}"
    return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"


def unreachable(error: RequestException) -> str:
    """Say that Twilio was not reached; a library's own message would repeat numbers."""
    if isinstance(error, RequestsConnectionError | ConnectTimeout):
        return f"Twilio cannot be reached ({type(error).__name__}): check the network, or `api_base`"
    return f"Twilio does not answer ({type(error).__name__})"


def error_code(text: str) -> str:
    """Return Twilio's own code of an error; empty if the answer has none."""
    try:
        code = json.loads(text).get("code")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(code) if isinstance(code, int) else ""


def _object(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TransientError("Twilio's answer is no JSON: is a proxy in between?") from error
    if not isinstance(parsed, dict):
        raise TransientError("Twilio's answer is no JSON object: is a proxy in between?")
    return parsed


CHINA: Final = (
    "it is a number of mainland China, where Twilio offers no two-way SMS: customers cannot write to it, and notices "
    'need registered templates; use a provider there (kind = "http_sms"), mail or another channel'
)
CHINA_CUSTOMERS: Final = (
    "customers with +86 numbers can be sent notices with registered templates at best; their answers do not come back"
)


def probe(settings: TwilioSettings) -> Health:
    """Log in and look for the number; change nothing."""
    try:
        twilio = Twilio(settings)
        try:
            account = twilio.get(".json")
            own = [] if settings.whatsapp else _numbers(twilio, settings.number)
        finally:
            twilio.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    status = str(account.get("status", "unknown"))
    findings = [f"the account answers and is {status}"]
    if status != "active":
        return Health(ok=False, findings=(*findings, "an account that is not active receives nothing: see its console"))
    return _about_number(settings, findings=findings, is_own=bool(own) or settings.whatsapp)


def _numbers(twilio: Twilio, number: str) -> list[object]:
    listed = twilio.get("/IncomingPhoneNumbers.json", {"PhoneNumber": number, "PageSize": 1})
    numbers = listed.get("incoming_phone_numbers")
    return numbers if isinstance(numbers, list) else []


def _about_number(settings: TwilioSettings, *, findings: list[str], is_own: bool) -> Health:
    if settings.whatsapp:
        findings.append("WhatsApp senders cannot be looked up this way; a test message shows whether it works")
    elif is_own:
        findings.append("the number belongs to the account")
    else:
        findings.append("the account has no such number: check `number`, or buy it in the console")
    if not settings.whatsapp:
        chinese = is_mainland_china(settings.number)
        findings.append(CHINA if chinese else CHINA_CUSTOMERS)
        is_own = is_own and not chinese
    return Health(ok=is_own, findings=tuple(findings))

"""Whether a failed request may have reached its server, and what that says of a message."""

from __future__ import annotations

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidURL, RequestException, SSLError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from connectors.sender_contract import Receipt, SendVerdict


def certainly_not_sent(error: RequestException) -> bool:
    """Return whether certainly no byte was sent: name not found, connection refused, no network, certificate refused.

    A connection that broke later, or a missing response, proves nothing.
    """
    if isinstance(error, ConnectTimeout | InvalidURL):
        return True
    if isinstance(error, SSLError):
        # A handshake that fails on the certificate comes before the request; other TLS failures may come later.
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    if not isinstance(error, RequestsConnectionError) or not error.args:
        return False
    cause = error.args[0]
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def receipt_of_silence(why: str, *, sent: bool) -> Receipt:
    """Return what a missing answer says about a message. sent: False if certainly no byte was; then all can wait."""
    return Receipt(verdict=SendVerdict.UNKNOWN if sent else SendVerdict.NOT_SENT, why=why, whole_channel=not sent)

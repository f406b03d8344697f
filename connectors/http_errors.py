"""Whether a request that failed can have reached its server: what may be sent again, and what nobody knows."""

from __future__ import annotations

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidURL, RequestException, SSLError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError


def certainly_not_sent(error: RequestException) -> bool:
    """Tell whether no byte of the request can have left: name not found, refused, no connection, certificate refused.

    A line that broke afterwards, and an answer that did not come, say nothing.
    """
    if isinstance(error, ConnectTimeout | InvalidURL):
        return True
    if isinstance(error, SSLError):
        # A handshake that fails on the certificate comes before the request; other failures of TLS may come later.
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    if not isinstance(error, RequestsConnectionError) or not error.args:
        return False
    cause = error.args[0]
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)

"""One place translates the errors of a mail server, IMAP or SMTP, into TransientError or PermanentError."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest

from connectors.email.server_errors import translate
from router.errors import ConfigError, LeaseLost, OmniyardError, PermanentError, TransientError


def explain(error: smtplib.SMTPException, where: str) -> OmniyardError:
    return PermanentError(f"{where}: explained {type(error).__name__}")


def distrusted() -> ssl.SSLCertVerificationError:
    """Return the standard library's error for a certificate that is not trusted."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def odd_tls() -> ssl.SSLError:
    """Return the standard library's error for a server without TLS."""
    error = ssl.SSLError(1, "wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("raised", "family", "says"),
    [
        # The operator must repair a secret that cannot be read: a permanent error, with its place.
        (ConfigError("no variable X"), PermanentError, "could not log in at mail.example: no variable X"),
        # Errors of our own families pass unchanged.
        (LeaseLost("gone"), LeaseLost, "gone"),
        # smtplib's errors are OSErrors: the protocol's explanation comes first.
        (smtplib.SMTPServerDisconnected(), PermanentError, "explained SMTPServerDisconnected"),
        (distrusted(), PermanentError, "(self-signed certificate); if the server has"),
        (odd_tls(), TransientError, "TLS failed (WRONG_VERSION_NUMBER)"),
        (socket.gaierror(-2, "unknown"), TransientError, "the host name does not exist"),
        (ConnectionRefusedError(111, "Connection refused"), TransientError, "Connection refused"),
        (TimeoutError(), TransientError, "no answer in time"),
    ],
)
def test_each_error_has_one_family_and_a_sentence(raised, family, says):
    with (
        pytest.raises(OmniyardError) as caught,
        translate("mail.example", "log in", refusals=smtplib.SMTPException, explain=explain),
    ):
        raise raised
    assert type(caught.value) is family
    assert says in str(caught.value)


def test_an_error_of_ours_is_not_hidden():
    with (
        pytest.raises(ZeroDivisionError),
        translate("mail.example", "log in", refusals=smtplib.SMTPException, explain=explain),
    ):
        raise ZeroDivisionError

"""Translate the errors of our mail servers, IMAP or SMTP, into TransientError or PermanentError."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from router.errors import ConfigError, OmniyardError, PermanentError, TransientError

Refusal = TypeVar("Refusal", bound=Exception)


@contextmanager
def translate(
    host: str, doing: str, *, refusals: type[Refusal], explain: Callable[[Refusal, str], OmniyardError]
) -> Iterator[None]:
    """Turn each error of the server inside into TransientError or PermanentError, most specific first.

    refusals: the errors of the protocol's library.  explain: translates one of them; gets the start of the message.
    """
    where = f"could not {doing} at {host}"
    try:
        yield
    except ConfigError as error:
        raise PermanentError(f"{where}: {error}") from error
    except OmniyardError:
        raise
    except ssl.SSLCertVerificationError as error:
        hint = "if the server has its own certificate authority, set ca_file"
        raise PermanentError(f"{where}: its certificate is not trusted ({error.verify_message}); {hint}") from error
    except ssl.SSLError as error:
        raise TransientError(f"{where}: TLS failed ({error.reason}); check port and security") from error
    # Before OSError, because smtplib's errors are subclasses of it.
    except refusals as error:
        raise explain(error, where) from error
    except socket.gaierror as error:
        raise TransientError(f"{where}: the host name does not exist, or the name service does not answer") from error
    except OSError as error:
        raise TransientError(f"{where}: {error.strerror or 'no answer in time'}") from error

"""What goes wrong with a mail server of ours, IMAP or SMTP, in one of the two families and in words."""

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

    refusals: the errors of the protocol's library.  explain: turns one of them; gets the beginning of the sentence.
    """
    where = f"could not {doing} at {host}"
    try:
        yield
    except ConfigError as error:
        raise PermanentError(f"{where}: {error}") from error
    except OmniyardError:
        raise
    except ssl.SSLCertVerificationError as error:
        hint = "if the server has a certificate authority of its own, name it by ca_file"
        raise PermanentError(f"{where}: its certificate is not trusted ({error.verify_message}); {hint}") from error
    except ssl.SSLError as error:
        raise TransientError(f"{where}: TLS failed ({error.reason}); are port and security right?") from error
    # Before OSError, of which smtplib's errors are a kind.
    except refusals as error:
        raise explain(error, where) from error
    except socket.gaierror as error:
        raise TransientError(f"{where}: there is no such host name, or no name service") from error
    except OSError as error:
        raise TransientError(f"{where}: {error.strerror or 'no answer in time'}") from error

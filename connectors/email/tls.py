"""The certificate authorities that a mail server's certificate is checked against."""

from __future__ import annotations

import ssl

from router.errors import PermanentError


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that checks certificates against this machine's authorities or those in a file.

    Raises PermanentError if the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise PermanentError(f"ca_file {ca_file} cannot be used: {error.strerror or error}") from error

"""The desk's secret, and the keys that are derived from it, one per purpose."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from router.errors import ConfigError
from router.settings import Settings

_KEY_BYTES: Final = 32


def desk_key(settings: Settings, *, purpose: str) -> bytes:
    """Return 256 bits for one purpose, the same in every process that has the same `[omniyard] key`.

    Without that key one is made under the data folder; machines that do not share the folder need the configured one.
    Raises ConfigError when the configured key is absent or too short to be one.
    """
    return hmac.new(_root(settings), f"omniyard {purpose}".encode(), hashlib.sha256).digest()


def _root(settings: Settings) -> bytes:
    if settings.omniyard.key is None:
        return _made_key(Path(settings.omniyard.data) / "desk.key")
    named = settings.omniyard.key.reveal().encode()
    if len(named) < _KEY_BYTES:
        raise ConfigError(f"[omniyard] key is too short; expected at least {_KEY_BYTES} random characters")
    return named


def _made_key(path: Path) -> bytes:
    if not path.exists():
        _make_key(path)
    return path.read_bytes()


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    # A link appears whole or not at all, and the first of two processes wins.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

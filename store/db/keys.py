"""The desk's secrets: the newest seals and signs, all of them open; one key per purpose is derived from each."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.errors import ConfigError
from router.settings import Settings
from router.settings.secret import Secret
from store.db.private_files import make_private_folder

_KEY_BYTES: Final = 32


def desk_key(settings: Settings, *, purpose: str) -> bytes:
    """Return 256 bits for one purpose, the same in every process that has the same `[omniyard] key`.

    Without that key one is made under the data folder; machines that do not share the folder need the configured one.
    Raises ConfigError when the configured key is absent or too short to be one.
    """
    return _derived(_root(settings), purpose=purpose)


@dataclass(frozen=True, slots=True)
class OlderKey:
    """A key that only opens. where: what names it, for the operator.  value: for one purpose."""

    where: str
    value: bytes


def older_keys(settings: Settings, *, purpose: str) -> list[OlderKey]:
    """Return the keys that were in use before, the latest first: of the configuration, then of the data folder.

    A key that was made under the data folder still opens after the configuration names another one.
    Raises ConfigError when a configured key is absent or too short to be one.
    """
    roots = {repr(secret): _named(secret, key="old_keys") for secret in settings.omniyard.old_keys}
    if settings.omniyard.key is not None and _current(settings).exists():
        roots[str(_current(settings))] = _current(settings).read_bytes()
    roots |= {str(path): path.read_bytes() for path in reversed(_set_aside(_current(settings)))}
    return [OlderKey(where, _derived(root, purpose=purpose)) for where, root in roots.items()]


def rotate_key(settings: Settings) -> Path:
    """Make a new key under the data folder; return the file that keeps the one before, which still opens.

    Raises ConfigError when the key is not one of the data folder but a configured one.
    """
    if settings.omniyard.key is not None:
        raise ConfigError(
            "[omniyard] key names this desk's key: give that variable or file a new value, name the present value in "
            "old_keys, restart everything, then run `omniyard key reseal`"
        )
    path = _current(settings)
    _made_key(path)
    with _only_one_rotates(path.parent):
        number = 1 + max((int(old.name.rpartition("-")[2]) for old in _set_aside(path)), default=0)
        kept = path.with_name(f"{path.name}.old-{number}")
        # The key stands under both names before the new one takes its place: a crash in between loses nothing.
        os.link(path, kept)
        _draft_key(path).replace(path)
        _flush_folder(path.parent)
    return kept


def _current(settings: Settings) -> Path:
    return Path(settings.omniyard.data) / "desk.key"


def _set_aside(path: Path) -> list[Path]:
    found = (old for old in path.parent.glob(f"{path.name}.old-*") if old.name.rpartition("-")[2].isdigit())
    return sorted(found, key=lambda old: int(old.name.rpartition("-")[2]))


def _derived(root: bytes, *, purpose: str) -> bytes:
    return hmac.new(root, f"omniyard {purpose}".encode(), hashlib.sha256).digest()


def _root(settings: Settings) -> bytes:
    if settings.omniyard.key is None:
        return _made_key(_current(settings))
    return _named(settings.omniyard.key, key="key")


def _named(secret: Secret, *, key: str) -> bytes:
    named = secret.reveal().encode()
    if len(named) < _KEY_BYTES:
        raise ConfigError(f"[omniyard] {key} is too short; expected at least {_KEY_BYTES} random characters")
    return named


def _made_key(path: Path) -> bytes:
    if not path.exists():
        _make_key(path)
    return path.read_bytes()


def _make_key(path: Path) -> None:
    make_private_folder(path.parent)
    draft = _draft_key(path)
    # A link appears whole or not at all, and the first of two processes wins.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    _flush_folder(path.parent)


def _draft_key(path: Path) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return draft


@contextlib.contextmanager
def _only_one_rotates(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Originals are encrypted with a key that is not in the database."""

from __future__ import annotations

import os

import pytest

from router.errors import PermanentError, TransientError
from store.db.encryption import Sealer

pytest.importorskip("cryptography", reason="cryptography is not installed: originals are kept unsealed")
KEY = bytes(range(32))
SECRET = b"my card is 4111 1111 1111 1111" * 20


def test_only_the_key_opens_what_it_sealed_and_what_never_was_sealed_stays_readable():
    sealer = Sealer(lambda: KEY)
    sealed, text = sealer.seal(SECRET), sealer.seal_text(SECRET.decode())
    assert SECRET[:10] not in sealed
    assert sealer.open(sealed) == SECRET
    assert "4111" not in text
    assert text.isascii()
    assert sealer.open_text(text) == SECRET.decode()
    assert sealer.open(b"\x28\xb5\x2f\xfd old") == b"\x28\xb5\x2f\xfd old"
    assert sealer.open_text('{"old": 1}') == '{"old": 1}'
    assert sealer.seal(SECRET) != sealed


def test_another_key_is_not_the_messages_fault_and_a_changed_byte_is_seen():
    sealed = Sealer(lambda: KEY).seal(SECRET)
    with pytest.raises(TransientError):
        Sealer(lambda: os.urandom(32)).open(sealed)
    with pytest.raises(TransientError):
        Sealer(None).open(sealed)
    with pytest.raises(PermanentError):
        Sealer(lambda: KEY).open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_a_desk_without_a_key_keeps_what_comes_as_it_is():
    sealer = Sealer(None)
    assert (sealer.seal(SECRET), sealer.seal_text("a")) == (SECRET, "a")

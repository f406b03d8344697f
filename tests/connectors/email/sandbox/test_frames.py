"""Frames between a guard and its reader: complete, or refused."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.email.sandbox.frames import FrameError, read_frame, write_frame


def sent(fields: list[bytes]) -> list[bytes]:
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as pool:
        done = pool.submit(write_frame, ours, fields)
        received = read_frame(theirs)
        done.result()
    return received


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_frame_arrives_as_it_was_sent(fields):
    assert sent(fields) == fields


def test_large_fields_keep_their_place():
    fields = [b"a", b"b" * 1_000_000, b"", b"c", b"d" * 600_000]
    assert sent(fields) == fields


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1",
        struct.pack("<Q", 1 << 40),
        struct.pack("<Q", 2) + b"\1\0",
        struct.pack("<QI", 4, 1_000),
        struct.pack("<QII", 8, 1, 5),
        struct.pack("<QII", 10, 1, 1) + b"ab",
    ],
)
def test_what_is_no_frame_is_refused(content):
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(content)
        with pytest.raises(FrameError):
            read_frame(theirs)

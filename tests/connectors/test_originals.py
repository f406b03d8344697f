"""Originals: compressed, decompressed, and refused when their size is not the recorded one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.originals import pack, unpack
from router.errors import PermanentError


@given(st.binary(max_size=5_000))
def test_an_original_comes_back_as_it_was(content):
    assert unpack(pack(content), size=len(content)) == content


def test_a_frame_that_claims_another_size_is_refused_before_memory_is_taken():
    bomb = pack(b"\0" * 50_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(PermanentError, match="another size"):
        unpack(bomb, size=1_000)


@pytest.mark.parametrize("packed", [b"", b"no frame", pack(b"hello there")[:-3], pack(b"hello")[:5]])
def test_a_damaged_original_is_refused_in_a_sentence(packed):
    with pytest.raises(PermanentError, match="stored original"):
        unpack(packed, size=11)

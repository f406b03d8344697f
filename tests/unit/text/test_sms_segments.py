from __future__ import annotations

import pytest

from tests.servers.sms_counter import Encoding, count_segments

GSM, UCS = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", GSM, 0, 1, 160),
        ("a" * 160, GSM, 160, 1, 0),
        # With one more, each part needs seven septets for its header.
        ("a" * 161, GSM, 161, 2, 145),
        ("a" * 306, GSM, 306, 2, 0),
        ("a" * 307, GSM, 307, 3, 152),
        # Extension characters take two septets, and an escape does not end a part.
        ("€" * 80, GSM, 160, 1, 0),
        ("€" * 81, GSM, 162, 2, 143),
        ("[]{}^~|\\€", GSM, 18, 1, 142),
        # One character outside the alphabet changes the encoding of the whole text.
        ("你" + "a" * 69, UCS, 70, 1, 0),
        ("我" * 70, UCS, 70, 1, 0),
        ("我" * 71, UCS, 71, 2, 63),
        ("我" * 134, UCS, 134, 2, 0),
        ("我" * 135, UCS, 135, 3, 66),
        # A character outside the basic plane counts as two, and its pair is not split.
        ("😀" * 35, UCS, 70, 1, 0),
        ("😀" * 36, UCS, 72, 2, 61),
        # A typographic apostrophe is the most frequent cause of a double price.
        ("I" + "\N{RIGHT SINGLE QUOTATION MARK}" + "m" * 68, UCS, 70, 1, 0),
        ("ñ à Ç É £ ¥", GSM, 11, 1, 149),
        # These look like characters of the alphabet, but are not.
        ("ç", UCS, 1, 1, 69),
        ("`", UCS, 1, 1, 69),
    ],
)
def test_a_text_is_counted_as_the_network_does(text, encoding, units, parts, left):
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.parts, counted.left) == (encoding, units, parts, left)

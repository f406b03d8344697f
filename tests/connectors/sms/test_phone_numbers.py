from __future__ import annotations

import pytest

from connectors.sms.phone_numbers import comparable, is_mainland_china


@pytest.mark.parametrize(
    ("shown", "region", "handle"),
    [
        ("+8613800138000", None, "+8613800138000"),
        ("+86 138-0013-8000", None, "+8613800138000"),
        ("13800138000", "CN", "+8613800138000"),
        ("07911 123456", "GB", "+447911123456"),
        # Twilio's own test numbers are possible, though no person has them.
        ("+15005550006", None, "+15005550006"),
        # Short codes, services and names stay what they are.
        ("10086", "CN", "10086"),
        ("10690000", "CN", "10690000"),
        ("10690000", None, "10690000"),
        ("WALLET", None, "wallet"),
        ("", None, ""),
        # A long text is an opaque id: its case and its end tell two people apart.
        ("US.AbCdEf0123456789", None, "US.AbCdEf0123456789"),
        ("x" * 99, None, "x" * 99),
    ],
)
def test_numbers_are_comparable(shown, region, handle):
    assert comparable(shown, region=region) == handle


def test_a_number_of_mainland_china_is_recognised():
    assert is_mainland_china("+86 10 6900 0000")
    assert not is_mainland_china("+85212345678")

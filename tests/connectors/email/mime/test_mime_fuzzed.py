"""Mails mutated at random: each is read, or refused in a sentence; no other exception is raised.

OMNIYARD_FUZZ_EXAMPLES sets how many (the build machine runs one minute of them).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.mail.fuzz import mutate, survives
from connectors.email.mime.addresses import parse_addresses
from connectors.email.mime.charsets import decode
from connectors.email.mime.html import to_text
from connectors.email.mime.tree import parameters

MAIL = Path(__file__).parents[3] / "data" / "mail"
SEEDS = [path.read_bytes() for path in sorted(MAIL.glob("*.eml"))]
LABELS = ["", "gb2312", "utf-7", "hz", "iso-2022-jp", "utf-16", "x", "zlib", "idna"]
EXAMPLES = int(os.environ.get("OMNIYARD_FUZZ_EXAMPLES", "400"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(st.sampled_from(SEEDS), st.integers(min_value=0))
def test_a_broken_mail_is_read_or_refused(seed, number):
    survives(mutate(seed, dice=random.Random(number), others=SEEDS))


@often
@given(st.binary(max_size=2_000))
def test_bytes_that_are_no_mail_are_read_or_refused(content):
    survives(content)


@often
@given(st.text(alphabet='"\\()<>@,;:. ab=?\n\u202e\x00', max_size=200))
def test_an_address_field_names_at_most_what_it_holds(value):
    for party in parse_addresses(value):
        assert party.handle
        assert not set(party.handle + party.name) & {"\x01", "\x02", "\n"}


@often
@given(st.text(alphabet="<>/abdivpre= \"'&;#x0123\n", max_size=300))
def test_html_becomes_text_without_tags_of_its_own(html):
    to_text(html)


@often
@given(
    st.binary(max_size=300),
    st.sampled_from(["", "gb2312", "utf-7", "hz", "iso-2022-jp", "utf-16", "x", "zlib", "idna"]),
)
def test_any_bytes_under_any_label_are_text(content, label):
    decode(content, label).encode()


@often
@given(st.text(alphabet="a*012;=\"'%\\ \n", max_size=200))
def test_parameters_of_any_field_are_text(value):
    assert all(isinstance(text, str) for text in parameters(value).values())

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from router.settings.lines import key_lines

DOCUMENT = """\
plain = 1
a.b."c d" = 2
[table]
inline = { one = 1, two.three = [ { four = 4 } ] }
list = [
  # a comment is no element
  "first",
  "second",
]
text = \"""
[not.a.table]
key = 1
\"""
[table.'below it']
x = 1
[[routes]]
name = "a"
[routes.when]
open = true
[[routes]]
name = "b"
[[routes.steps]]
do = 1
[[routes.steps]]
do = 2
[routes.steps.how]
well = true
"""

EXPECTED = {
    ("plain",): 1,
    ("a",): 2,
    ("a", "b", "c d"): 2,
    ("table",): 3,
    ("table", "inline", "two", "three", 0, "four"): 4,
    ("table", "list"): 5,
    ("table", "list", 0): 7,
    ("table", "list", 1): 8,
    ("table", "text"): 10,
    ("table", "below it"): 14,
    ("table", "below it", "x"): 15,
    ("routes", 0): 16,
    ("routes", 0, "when", "open"): 19,
    ("routes", 1, "name"): 21,
    ("routes", 1, "steps", 0, "do"): 23,
    ("routes", 1, "steps", 1, "do"): 25,
    ("routes", 1, "steps", 1, "how", "well"): 27,
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_way_to_write_a_key_has_its_line(ending):
    lines = key_lines(DOCUMENT.replace("\n", ending))
    assert {place: lines.get(place) for place in EXPECTED} == EXPECTED


def places(value, place=()):
    if place:
        yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for step, inner in steps:
        yield from places(inner, (*place, step))


@pytest.mark.parametrize("text", [DOCUMENT, (Path(__file__).parents[3] / "config/channels.toml").read_text("utf-8")])
def test_all_that_the_toml_reader_sees_has_a_line(text):
    lines = key_lines(text)
    missing = [place for place in places(tomllib.loads(text)) if place not in lines]
    # A list of tables has no line of its own, its elements have.
    assert [place for place in missing if (*place, 0) not in lines] == []

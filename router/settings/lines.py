"""Find the line of a key in a TOML text. Imported only when there is a finding."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from router.settings.findings import Finding, Place

_KEYS: Final = ("bare_key", "quoted_key", "dotted_key")


def locate(findings: Sequence[Finding], *, text: str) -> tuple[Finding, ...]:
    """Return the findings with their lines, sorted by line. A key without a line of its own gets its table's.

    text: of the file; valid TOML, unless each finding has its line already.
    """
    lines = {} if all(finding.line for finding in findings) else key_lines(text)
    found = [finding if finding.line else replace(finding, line=_line(finding.place, lines)) for finding in findings]
    return tuple(sorted(found, key=lambda finding: finding.line))


def key_lines(text: str) -> dict[Place, int]:
    """Return the line, counted from 1, of every key, table and list element of a valid TOML text."""
    root = Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node
    lines: dict[Place, int] = {}
    for place, line in _walk(root):
        lines.setdefault(place, line)
    return lines


def _line(place: Place, lines: dict[Place, int]) -> int:
    return next((lines[place[:size]] for size in range(len(place), 0, -1) if place[:size] in lines), 1)


def _walk(root: Node) -> Iterator[tuple[Place, int]]:
    elements: dict[Place, int] = {}
    for node in root.named_children:
        if node.type == "pair":
            yield from _pair(node, ())
        elif node.type in {"table", "table_array_element"}:
            table = _header(node, elements)
            yield from _prefixes((), table, _row(node))
            for pair in node.named_children:
                if pair.type == "pair":
                    yield from _pair(pair, table)


def _header(node: Node, elements: dict[Place, int]) -> Place:
    """Return the place of a `[table]`: within `[[lists]]`, that of their last element (TOML 1.0, Array of Tables)."""
    place: Place = ()
    *parents, last = _keys(node.named_children[0])
    for key in parents:
        place = (*place, key)
        if place in elements:
            place = (*place, elements[place])
    place = (*place, last)
    if node.type == "table":
        return place
    elements[place] = elements.get(place, -1) + 1
    return (*place, elements[place])


def _pair(node: Node, table: Place) -> Iterator[tuple[Place, int]]:
    # A comment after the value is a child of the pair too.
    key, value = [child for child in node.named_children if child.type != "comment"]
    place = (*table, *_keys(key))
    yield from _prefixes(table, place, _row(key))
    yield from _value(value, place)


def _value(node: Node, place: Place) -> Iterator[tuple[Place, int]]:
    if node.type == "inline_table":
        for pair in node.named_children:
            if pair.type == "pair":
                yield from _pair(pair, place)
    elif node.type == "array":
        elements = (child for child in node.named_children if child.type != "comment")
        for number, element in enumerate(elements):
            yield (*place, number), _row(element)
            yield from _value(element, (*place, number))


def _prefixes(start: Place, place: Place, line: int) -> Iterator[tuple[Place, int]]:
    return ((place[:size], line) for size in range(len(start) + 1, len(place) + 1))


def _keys(node: Node) -> list[str]:
    if node.type == "dotted_key":
        return [key for child in node.named_children if child.type in _KEYS for key in _keys(child)]
    written = (node.text or b"").decode()
    # A quoted key may contain escapes; the TOML parser decodes them all.
    return [written] if node.type == "bare_key" else list(tomllib.loads(f"{written} = 0"))


def _row(node: Node) -> int:
    return node.start_point.row + 1

"""The links of the documentation: each file that is named exists, and each heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")]
LINK = re.compile(r"\]\(((?!https?:|mailto:)[^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)


@cache
def headings(page: Path) -> frozenset[str]:
    """Return the anchors of a page, as GitHub and GitLab make them: small letters and digits, blanks as hyphens."""
    lines = CODE.sub("", page.read_text(encoding="utf-8")).splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return frozenset(re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles)


def broken(page: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in headings(target)):
            yield f"{page.relative_to(ROOT)}: {link}"


def test_each_link_of_the_documentation_leads_to_a_file_and_a_heading() -> None:
    assert [link for page in PAGES for link in broken(page)] == []

"""The self-service answers of `config/faq`: one Markdown file per answer and language, shown as safe HTML.

A file is named `CATEGORY--NAME.LANGUAGE.md` and begins with `# ` and the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import structlog

from api.text.phrases import Language
from router.settings import Settings
from router.settings.files import shipped_file

if TYPE_CHECKING:
    from workers.routing.brain import Brain

_FILE: Final = re.compile(r"([a-z0-9_]+)--([a-z0-9-]+)\.(en|zh)\.md")
_TAGS: Final = frozenset({"p", "ul", "ol", "li", "strong", "em", "code", "br", "a", "h2", "h3", "blockquote"})
_MOST: Final = 3
# So many characters of a visitor's text are enough for the classifier.
_HEARD: Final = 2_000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FaqAnswer:
    """One answer. html: sanitised.  anchor: its id on the page."""

    category: str
    anchor: str
    language: Language
    question: str
    html: str


class Answers:
    """All answers, read on first use. folder: None means the shipped folder."""

    def __init__(self, settings: Settings, *, folder: Path | None = None) -> None:
        self._settings, self._folder = settings, folder or shipped_file().parent / "faq"
        self._lock = Lock()

    @cached_property
    def _all(self) -> tuple[FaqAnswer, ...]:
        files = sorted(self._folder.glob("*.md")) if self._folder.is_dir() else []
        return tuple(answer for file in files if (answer := _read(file)))

    @cached_property
    def _brain(self) -> Brain:
        # The classifier takes a second to load, so it waits for the first visitor.
        from workers.routing.brain import build_brain  # noqa: PLC0415

        return build_brain(self._settings)

    def of(self, language: Language, *, category: str = "") -> list[FaqAnswer]:
        """Return the answers in a language, of one category if one is named."""
        return [each for each in self._all if each.language == language and category in {"", each.category}]

    def suggest(self, text: str, *, language: Language) -> list[FaqAnswer]:
        """Return the answers that fit a visitor's text; none while another one's is read.

        Visitors who waited for each other would hold the threads that answer agents.
        """
        if not text.strip() or not self._lock.acquire(blocking=False):
            return []
        try:
            classification, _ = self._brain.understand_page([text[:_HEARD]])[0]
        finally:
            self._lock.release()
        return self.of(language, category=classification.category)[:_MOST] if classification.category else []


def _read(file: Path) -> FaqAnswer | None:
    import nh3  # noqa: PLC0415
    from markdown_it import MarkdownIt  # noqa: PLC0415

    name = _FILE.fullmatch(file.name)
    text = file.read_text(encoding="utf-8") if name else ""
    first, _, rest = text.partition("\n")
    if name is None or not first.startswith("# "):
        _log.warning("help.unreadable", file=file.name)
        return None
    html = nh3.clean(MarkdownIt("commonmark").render(rest), tags=set(_TAGS), attributes={"a": {"href"}})
    language: Language = "zh" if name[3] == "zh" else "en"
    return FaqAnswer(name[1], f"{name[1]}-{name[2]}", language, first.removeprefix("# ").strip(), html)


def categories(answers: Sequence[FaqAnswer]) -> dict[str, list[FaqAnswer]]:
    """Return category -> its answers, in the given order."""
    found: dict[str, list[FaqAnswer]] = {}
    for each in answers:
        found.setdefault(each.category, []).append(each)
    return found

"""The answers of the FAQ for pages: found by a question, shown as safe HTML, as plain text for the reply box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

from api.text.phrases import Language
from router.answers.faq_file import FaqText, plain_text
from router.remarks.recognise_remark import remark_of
from router.remarks.remark_kind import RemarkKind
from router.settings import Settings
from router.text.own_lines import without_own_lines
from store.db.engine import Database

if TYPE_CHECKING:
    from router.answers.caution import AskedQuestion
    from router.answers.decision import AnswerDecision, FittingAnswer
    from router.classify.encoder import Encoder
    from workers.answering.library import AnswerLibrary

_TAGS: Final = frozenset({"p", "ul", "ol", "li", "strong", "em", "code", "br", "a", "h2", "h3", "blockquote"})
_MOST: Final = 3
# So many characters of a text are enough to find its questions.
_HEARD: Final = 2_000


@dataclass(frozen=True, slots=True)
class FaqAnswer:
    """One answer in one language. html: sanitised.  anchor: its id on the page.  text: without marks."""

    id: str
    category: str
    name: str
    anchor: str
    language: Language
    question: str
    html: str
    text: str
    since: date | None
    until: date | None

    @property
    def path(self) -> str:
        """The path of its own page."""
        return f"/help/{self.category}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingText:
    """An answer that may fit, for an agent. meaning: None without the encoder.  way: the way to ask it resembles."""

    shown: FaqAnswer
    confidence: float | None
    meaning: float | None
    words: float
    way: str


class Answers:
    """All answers; the index is built on first use, because it takes seconds with the encoder."""

    def __init__(self, settings: Settings, *, database: Database | None = None) -> None:
        self._settings, self._database = settings, database
        self._lock = Lock()

    @cached_property
    def library(self) -> AnswerLibrary:
        """The FAQ of this process."""
        from workers.answering.library import AnswerLibrary  # noqa: PLC0415  (numpy, with the first question)

        return AnswerLibrary(self._settings, database=self._database, encoder=lambda: self._encoder)

    @cached_property
    def _encoder(self) -> Encoder | None:
        from workers.training.learn import encoder_of  # noqa: PLC0415  (numpy, with the first question)

        return encoder_of(self._settings)

    def of(self, language: Language, *, category: str = "", today: date | None = None) -> list[FaqAnswer]:
        """Return the answers in a language, of one category if one is named."""
        day = today or datetime.now(UTC).date()
        texts = [text for text in self.library.faq.files if text.language == language and text.holds_on(day)]
        return [_shown(text) for text in texts if category in {"", text.category}]

    def find(self, category: str, name: str, *, language: Language, today: date) -> FaqAnswer | None:
        """Return one answer, in another language if it has none in this; None if there is none that holds today."""
        text = self.library.faq.of(f"{category}--{name}", language=language)
        return _shown(text) if text and text.holds_on(today) else None

    def suggest(self, text: str, *, language: Language) -> list[FaqAnswer]:
        """Return the answers that fit a visitor's text; none while another one's is looked up.

        Visitors who waited for each other would hold the threads that answer agents.
        """
        if not text.strip() or not self._lock.acquire(blocking=False):
            return []
        try:
            found = self.library.book().find(text[:_HEARD], today=datetime.now(UTC).date())
        finally:
            self._lock.release()
        return [one.shown for one in self._texts(found, language=language)]

    def fits(self, text: str, *, language: str) -> list[FittingText]:
        """Return the answers that may fit a customer's text, for an agent; none for one without a matter."""
        words = without_own_lines(text)
        if not words or remark_of(words) is not RemarkKind.CONTENT:
            return []
        found = self.library.book().find(words[:_HEARD], today=datetime.now(UTC).date())
        return self._texts(found, language="zh" if language.startswith("zh") else "en")

    def would_say(self, asked: AskedQuestion, *, mode: str) -> AnswerDecision:
        """Return what the machine would do with a question. mode: of a channel."""
        from workers.answering.answerer import MODES  # noqa: PLC0415  (numpy, with the first question)

        return self.library.book().decide(asked, mode=MODES[mode], today=datetime.now(UTC).date())

    def _texts(self, found: Sequence[FittingAnswer], *, language: Language) -> list[FittingText]:
        faq = self.library.faq
        texts = [(one, faq.of(one.answer, language=language)) for one in found[:_MOST]]
        return [
            FittingText(
                shown=_shown(text),
                confidence=one.confidence,
                meaning=one.score.meaning,
                words=one.score.words,
                way=one.score.way,
            )
            for one, text in texts
            if text
        ]


@lru_cache(maxsize=1_024)
def _shown(text: FaqText) -> FaqAnswer:
    import nh3  # noqa: PLC0415  (loaded with the first answer that is shown)
    from markdown_it import MarkdownIt  # noqa: PLC0415

    html = nh3.clean(MarkdownIt("commonmark").render(text.body), tags=set(_TAGS), attributes={"a": {"href"}})
    return FaqAnswer(
        id=text.id,
        category=text.category,
        name=text.name,
        anchor=text.anchor,
        language="zh" if text.language == "zh" else "en",
        question=text.title,
        html=html,
        text=plain_text(text.body),
        since=text.since,
        until=text.until,
    )


def categories(answers: Sequence[FaqAnswer]) -> dict[str, list[FaqAnswer]]:
    """Return category -> its answers, in the given order."""
    found: dict[str, list[FaqAnswer]] = {}
    for each in answers:
        found.setdefault(each.category, []).append(each)
    return found

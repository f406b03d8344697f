"""Let a model put an answer that is already decided into words that fit its question; else it is sent as written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from router.answers.faq_file import FaqText
from router.generated.prompts import SpokenLine
from router.generated.purposes import Purpose
from store.db.engine import Database
from store.desk.generated.generated_texts import names_in
from store.outbound.automatic_answers import AskedMessage
from workers.generated.endpoint import ModelSilent
from workers.generated.writer import SharedCase, TextWriter


@dataclass(frozen=True, slots=True)
class Rephrased:
    """The result of a rephrasing. text: empty if the operator's own words are sent.  trace: no words of a text."""

    text: str
    trace: dict[str, Any]


class Rephraser:
    """Asks the model, if the file allows it for answers; a pass waits once for it, not for each question."""

    def __init__(
        self,
        database: Database,
        writer: TextWriter,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._writer, self._seconds, self._clock = database, writer, seconds, clock
        self._until = 0.0

    def begin_pass(self) -> None:
        """Start the time limit that all questions of a pass share."""
        self._until = self._clock() + self._seconds

    def rephrase(self, question: str, *, answer: FaqText, case: AskedMessage) -> Rephrased | None:
        """Return the words for a question. question: masked.  Returns None if the model is not asked."""
        whole, is_whole = answer.sent_text()
        if not is_whole or not self._writer.offers(Purpose.ANSWER) or self._clock() >= self._until:
            return None
        with self._database.read() as connection:
            names = names_in(connection, case.conversation_id)
        asked = SharedCase(lines=[SpokenLine("customer", question)], names=names, language=answer.language)
        try:
            made = self._writer.draft(asked, passages={answer.id: f"{answer.title}\n{whole}"}, purpose=Purpose.ANSWER)
        except ModelSilent as silent:
            return Rephrased("", {"silent": str(silent.why)})
        trace = {"name": made.model, "prompt": made.prompt, "ms": made.milliseconds, "tokens": made.tokens}
        return Rephrased(made.text, trace | {"flaws": [str(flaw) for flaw in made.flaws]})

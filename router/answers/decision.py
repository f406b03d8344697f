"""Decide what the machine does with a question: answer, offer, or leave it to a person; and say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from router.answers.asked_questions import questions_in
from router.answers.caution import Allowed, AskedQuestion, Gated, pass_gates
from router.answers.confidence import UNTRAINED, Thresholds
from router.answers.faq import Faq
from router.answers.faq_file import SendRule
from router.answers.index import AnswerIndex, AnswerScore, Ranking
from router.answers.normal_form import normal_form
from router.answers.trainer import AnswerModel
from router.reason import Reason, ReasonKey

OFFERED: Final = 3
# Without trained thresholds agents still see what resembles the question.
_RESEMBLES: Final = 0.2
_RULES: Final = {SendRule.ANSWER: Allowed.ANSWER, SendRule.OFFER: Allowed.OFFER, SendRule.NEVER: Allowed.AGENTS}


class AnswerOutcome(StrEnum):
    """What became of a question. Each question has exactly one, so that they add up."""

    ANSWERED = "answered"
    OFFERED = "offered"
    REFUSED = "refused"
    NOTHING_FOUND = "nothing_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingAnswer:
    """An answer that may fit. confidence: calibrated for the best; None for the others."""

    answer: str
    confidence: float | None
    score: AnswerScore


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDecision:
    """What happens to a question, and why.

    fits: the answers that an agent sees, best first.  offered: those that the customer may see.
    why: every reason for not doing more.
    """

    outcome: AnswerOutcome
    question: str
    confidence: float
    thresholds: Thresholds
    fits: tuple[FittingAnswer, ...] = ()
    offered: tuple[str, ...] = ()
    why: tuple[Reason, ...] = ()

    @property
    def best(self) -> str | None:
        """The answer that is sent; None unless the outcome is `answered`."""
        return self.fits[0].answer if self.outcome is AnswerOutcome.ANSWERED else None


class AnswerBook:
    """The FAQ with its index and model: everything that a decision needs."""

    def __init__(
        self,
        faq: Faq,
        *,
        index: AnswerIndex,
        model: AnswerModel | None,
        version: str = "",
        doubted: frozenset[str] = frozenset(),
    ) -> None:
        """Hold them together.

        version: of the files, for the trace.  doubted: texts, in their normal form, whose answer an agent called wrong.
        """
        self.faq, self.index, self.model, self.version = faq, index, model, version
        self._doubted = doubted

    def find(self, text: str, *, today: date) -> list[FittingAnswer]:
        """Return the answers that may fit a text, best first, whatever may be sent."""
        return self._fitting(self._best_ranking(text), today=today)

    def decide(self, asked: AskedQuestion, *, mode: Allowed, today: date) -> AnswerDecision:
        """Return what happens to a question. mode: of its channel."""
        gated = pass_gates(asked)
        rankings = self._rankings(asked.text)
        best = self._surest(rankings)
        fits = tuple(self._fitting(best, today=today))
        # An answer that does not hold today is left out, and its confidence says nothing of the next one.
        confidence = (fits[0].confidence or 0.0) if fits else 0.0
        decided = self._allowed(gated, fits=fits, confidence=confidence, mode=mode)
        if self._asks_several(rankings) and decided[0] >= Allowed.OFFER:
            decided = (Allowed.AGENTS, (*decided[1], Reason(ReasonKey.GATE_SEVERAL_QUESTIONS)))
        if normal_form(asked.text) in self._doubted and decided[0] > Allowed.OFFER:
            decided = (Allowed.OFFER, (*decided[1], Reason(ReasonKey.ANSWER_DOUBTED)))
        allowed, why = decided
        outcome = _outcome(allowed, fits=fits, reasons=why)
        offered = self._offered(fits) if outcome is AnswerOutcome.OFFERED else ()
        if outcome is AnswerOutcome.OFFERED and not offered:
            outcome = AnswerOutcome.REFUSED
        return AnswerDecision(
            outcome=outcome,
            question=best[0] if best else "",
            confidence=confidence,
            thresholds=self._thresholds,
            fits=fits if gated.allowed is not Allowed.NOTHING else (),
            offered=offered,
            why=why,
        )

    @property
    def _thresholds(self) -> Thresholds:
        return self.model.thresholds if self.model else UNTRAINED

    def _allowed(
        self, gated: Gated, *, fits: Sequence[FittingAnswer], confidence: float, mode: Allowed
    ) -> tuple[Allowed, tuple[Reason, ...]]:
        allowed, why = min(gated.allowed, mode), list(gated.reasons)
        limits = self._limits(fits, confidence=confidence)
        for limit, reason in limits:
            if limit < allowed:
                allowed = limit
                why.append(reason)
        return allowed, tuple(why)

    def _limits(self, fits: Sequence[FittingAnswer], *, confidence: float) -> list[tuple[Allowed, Reason]]:
        if not fits:
            return [(Allowed.AGENTS, Reason(ReasonKey.NOTHING_RESEMBLES))]
        thresholds, best = self._thresholds, fits[0].answer
        shown = {"confidence": f"{confidence:.2f}"}
        limits = [(_RULES[self.faq.rule(best)], Reason(ReasonKey.ANSWER_HAS_RULE, {"answer": best}))]
        if thresholds.answer is None:
            limits.append((Allowed.OFFER, Reason(ReasonKey.NO_THRESHOLD)))
        elif confidence < thresholds.answer:
            why = Reason(ReasonKey.BELOW_ANSWER, shown | {"threshold": f"{thresholds.answer:.2f}"})
            limits.append((Allowed.OFFER, why))
        if self.model and best in self.model.thin:
            limits.append((Allowed.OFFER, Reason(ReasonKey.FEW_WAYS_TO_ASK, {"answer": best})))
        if confidence < thresholds.offer:
            why = Reason(ReasonKey.BELOW_OFFER, shown | {"threshold": f"{thresholds.offer:.2f}"})
            limits.append((Allowed.AGENTS, why))
        return limits

    def _offered(self, fits: Sequence[FittingAnswer]) -> tuple[str, ...]:
        allowed = (one.answer for one in fits if _RULES[self.faq.rule(one.answer)] >= Allowed.OFFER)
        return tuple(allowed)[:OFFERED]

    def _rankings(self, text: str) -> list[tuple[str, Ranking]]:
        questions = questions_in(text)
        return [pair for pair in zip(questions, self.index.rank(questions), strict=True) if pair[1].best]

    def _best_ranking(self, text: str) -> tuple[str, Ranking] | None:
        return self._surest(self._rankings(text))

    def _surest(self, rankings: Sequence[tuple[str, Ranking]]) -> tuple[str, Ranking] | None:
        return max(rankings, key=self._confidence, default=None)

    def _confidence(self, ranking: tuple[str, Ranking] | None) -> float:
        if ranking is None:
            return 0.0
        if self.model is None:
            best = ranking[1].best[0]
            return best.words if best.meaning is None else max(best.meaning, 0.0)
        return self.model.confidence.of(ranking[1].signs)

    def _asks_several(self, rankings: Sequence[tuple[str, Ranking]]) -> bool:
        """Return whether several sentences each find an answer of their own."""
        sure = [ranking for question, ranking in rankings if self._confidence((question, ranking)) >= self._certain]
        return len({ranking.best[0].answer for ranking in sure}) > 1

    @property
    def _certain(self) -> float:
        thresholds = self._thresholds
        return max(thresholds.offer, 0.5) if thresholds.answer is not None else 0.7

    def _fitting(self, ranking: tuple[str, Ranking] | None, *, today: date) -> list[FittingAnswer]:
        if ranking is None or self._confidence(ranking) < (0.1 if self.model else _RESEMBLES):
            return []
        return [
            FittingAnswer(answer=one.answer, confidence=self._confidence(ranking) if place == 0 else None, score=one)
            for place, one in enumerate(ranking[1].best)
            if any(text.holds_on(today) for text in self.faq.texts.get(one.answer, {}).values())
        ][:OFFERED]


def _outcome(allowed: Allowed, *, fits: Sequence[FittingAnswer], reasons: Sequence[Reason]) -> AnswerOutcome:
    if allowed is Allowed.ANSWER:
        return AnswerOutcome.ANSWERED
    if allowed is Allowed.OFFER:
        return AnswerOutcome.OFFERED
    found_nothing = {ReasonKey.NOTHING_RESEMBLES, ReasonKey.BELOW_OFFER}
    is_nothing = bool(reasons) and reasons[0].key in found_nothing
    return AnswerOutcome.NOTHING_FOUND if is_nothing or (not fits and not reasons) else AnswerOutcome.REFUSED

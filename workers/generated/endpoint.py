"""Post chat completions within one time limit, learn what the endpoint takes, and let it rest when it fails.

No lock, transaction or row is held meanwhile. Every post is counted before it is made, so that a process that dies in
between has counted it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

import structlog

from connectors.safe_http import Forbidden, HttpAnswer, NotReached, TooLarge, post
from router.errors import ConfigError, TransientError
from router.generated.completion import (
    Completion,
    Dialect,
    NoCompletion,
    PromptMessage,
    completion_urls,
    learn,
    read_completion,
    write_request,
)
from router.settings.machine_answers import ModelEndpointSettings
from workers.generated.breaker import Breaker

# Of a completion: the longest text with its thoughts is a tenth of it.
_LARGEST: Final = 1_048_576
_AT_ONCE: Final = 2
# Each waits in a thread of the web process, which has 40 for all agents.
_WAITING: Final = 6
_REPEATS: Final = 2
_BACKOFF_SECONDS: Final = 0.5
# With less time left another post would be cut off before its answer.
_LEAST_SECONDS: Final = 0.3
_LESSONS: Final = 4
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504, 529})

_log = structlog.get_logger()


class Silence(StrEnum):
    """Why there is no text."""

    BUSY = "busy"
    RESTING = "resting"
    SPENT = "spent"
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    ABSENT = "absent"
    OVERLOADED = "overloaded"
    BROKEN = "broken"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class ModelSilent(TransientError):
    """The model gives no text now."""

    def __init__(self, why: Silence, *, status: int = 0) -> None:
        super().__init__(f"the model gives no text now: {why}")
        self.why, self.status = why, status


class TokenBudget(Protocol):
    """Counts calls and tokens before they are spent."""

    def take(self, tokens: int) -> bool:
        """Count a call with its largest number of tokens; return False if the day's budget does not have them."""

    def settle(self, *, taken: int, used: int | None) -> None:
        """Correct the tokens of a call that was answered. used: None if the endpoint does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A completion, with how long it took."""

    completion: Completion
    milliseconds: int


class ModelEndpoint:
    """One endpoint for one process; may be used by several threads. clock, wait: for tests."""

    def __init__(
        self,
        settings: ModelEndpointSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.dialect = Dialect()
        self.breaker = Breaker(clock)
        self._clock, self._wait = clock, wait
        self._urls = completion_urls(settings.url)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._lock, self._waiting = threading.Lock(), 0

    def ask(self, messages: Sequence[PromptMessage], *, longest: int, budget: TokenBudget, purpose: str) -> Answered:
        """Return a completion. longest: of the text, in tokens.

        Raises ModelSilent within the time limit; one line is logged, without a word of any text.
        """
        start = self._clock()
        until = start + self.settings.timeout.total_seconds()
        try:
            with self._slot(until):
                completion = self._asked(messages, longest=longest, budget=budget, until=until)
        except ModelSilent as silent:
            spent = round((self._clock() - start) * 1_000)
            _log.warning("model.silent", purpose=purpose, why=str(silent.why), status=silent.status, ms=spent)
            raise
        spent = round((self._clock() - start) * 1_000)
        _log.info("model.answered", purpose=purpose, tokens=completion.tokens, ms=spent)
        return Answered(completion=completion, milliseconds=spent)

    @contextmanager
    def _slot(self, until: float) -> Iterator[None]:
        with self._lock:
            if self._waiting >= _WAITING:
                raise ModelSilent(Silence.BUSY)
            self._waiting += 1
        try:
            free = self._slots.acquire(timeout=max(0.0, until - self._clock()))
        finally:
            with self._lock:
                self._waiting -= 1
        if not free:
            raise ModelSilent(Silence.BUSY)
        try:
            yield
        finally:
            self._slots.release()

    def _asked(
        self, messages: Sequence[PromptMessage], *, longest: int, budget: TokenBudget, until: float
    ) -> Completion:
        if not self.breaker.admits():
            raise ModelSilent(Silence.RESTING)
        try:
            completion = self._tried(messages, longest=longest, budget=budget, until=until)
        except ModelSilent as silent:
            if silent.why is Silence.SPENT:
                self.breaker.gave_up()
            else:
                self.breaker.failed(rest=silent.rest if isinstance(silent, _AskedToRest) else 0.0)
            raise
        except BaseException:
            self.breaker.gave_up()
            raise
        self.breaker.succeeded()
        return completion

    def _tried(
        self, messages: Sequence[PromptMessage], *, longest: int, budget: TokenBudget, until: float
    ) -> Completion:
        repeats = lessons = 0
        while True:
            dialect = self.dialect
            body = write_request(messages, model=self.settings.name, longest=longest, dialect=dialect)
            tokens = _most_tokens(messages, longest=longest, dialect=dialect)
            if not budget.take(tokens):
                raise ModelSilent(Silence.SPENT)
            try:
                answer = self._post(body, dialect=dialect, until=until)
                if answer.status == 200:
                    return self._read(answer, budget=budget, taken=tokens, dialect=dialect)
                lesson = learn(dialect, status=answer.status, body=answer.body, addresses=len(self._urls))
                if lesson and lessons < _LESSONS:
                    self.dialect, lessons = lesson, lessons + 1
                    continue
                silent = _refusal(answer)
            except NotReached:
                silent = ModelSilent(Silence.UNREACHABLE)
            pause = self._pause(silent, repeats=repeats, until=until)
            if pause is None:
                raise silent
            repeats += 1
            self._wait(pause)

    def _post(self, body: bytes, *, dialect: Dialect, until: float) -> HttpAnswer:
        left = until - self._clock()
        if left < _LEAST_SECONDS:
            raise ModelSilent(Silence.SLOW)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "omniyard"}
        try:
            if self.settings.key is not None:
                headers["Authorization"] = f"Bearer {self.settings.key.reveal()}"
            return post(
                self._urls[min(dialect.url, len(self._urls) - 1)],
                body=body,
                headers=headers,
                allow_private=self.settings.allow_private,
                seconds=left,
                largest=_LARGEST,
            )
        except NotReached:
            raise
        except (Forbidden, TooLarge, ConfigError) as error:
            raise ModelSilent(Silence.UNREADABLE if isinstance(error, TooLarge) else Silence.REFUSED) from error
        except TransientError as error:
            late = until - self._clock() < _LEAST_SECONDS
            raise ModelSilent(Silence.SLOW if late else Silence.BROKEN) from error

    def _read(self, answer: HttpAnswer, *, budget: TokenBudget, taken: int, dialect: Dialect) -> Completion:
        try:
            completion = read_completion(answer.body)
        except NoCompletion as error:
            raise ModelSilent(Silence.UNREADABLE, status=answer.status) from error
        budget.settle(taken=taken, used=completion.tokens)
        if completion.thought and not dialect.thinks:
            self.dialect = replace(self.dialect, thinks=True)
        return completion

    def _pause(self, silent: ModelSilent, *, repeats: int, until: float) -> float | None:
        """Return how long to wait before another try; None if there is none."""
        if repeats >= _REPEATS or silent.why not in {Silence.OVERLOADED, Silence.BROKEN, Silence.UNREACHABLE}:
            return None
        wanted = silent.rest if isinstance(silent, _AskedToRest) else _BACKOFF_SECONDS * 2**repeats
        return wanted if self._clock() + wanted + _LEAST_SECONDS < until else None


class _AskedToRest(ModelSilent):
    """The endpoint says how long it wants to rest."""

    def __init__(self, why: Silence, *, status: int, rest: float) -> None:
        super().__init__(why, status=status)
        self.rest = rest


def _refusal(answer: HttpAnswer) -> ModelSilent:
    if answer.status not in _PASSING:
        return ModelSilent(Silence.REFUSED, status=answer.status)
    why = Silence.OVERLOADED if answer.status == 429 else Silence.BROKEN
    if answer.retry_after is None:
        return ModelSilent(why, status=answer.status)
    return _AskedToRest(why, status=answer.status, rest=answer.retry_after.total_seconds())


def _most_tokens(messages: Sequence[PromptMessage], *, longest: int, dialect: Dialect) -> int:
    # No tokenizer makes more tokens than characters of the texts that we send.
    return sum(len(each.content) for each in messages) + longest * (4 if dialect.thinks else 1)

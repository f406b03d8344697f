"""`[answers]`: what the machine does with questions that the FAQ answers; `[answers.model]`: the model's endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from router.settings.secret import Secret
from router.settings.values import AnswerMode, Frozen, Pause, Switch, Whole, require_safe_url

# An agent waits for it, and in a web process a thread does.
_LONGEST_WAIT: Final = timedelta(seconds=30)

PurposeName = Literal["draft", "summary", "tone", "translation", "answer"]
# "answer" writes what customers get without an agent, so it is added by hand.
FOR_AGENTS: Final[tuple[PurposeName, ...]] = ("draft", "summary", "tone", "translation")


class ModelEndpointSettings(Frozen):
    """`[answers.model]`: an endpoint for chat completions, as OpenAI has it and many others offer it.

    url: its base, with or without /v1.  name: of the model.  key: sent as a bearer token; absent, none is.
    timeout: for one text, with all repeats.
    per_day, tokens_per_day: of all processes together, by days of UTC.
    allow_private: it may be on our own network, and without TLS.
    """

    url: str
    name: str = Field(min_length=1, max_length=200)
    key: Secret | None = None
    timeout: Pause = timedelta(seconds=8)
    per_day: Whole = Field(default=2_000, ge=1)
    tokens_per_day: Whole = Field(default=4_000_000, ge=1)
    purposes: tuple[PurposeName, ...] = FOR_AGENTS
    allow_private: Switch = False

    @field_validator("timeout")
    @classmethod
    def _is_bearable(cls, value: timedelta) -> timedelta:
        if value > _LONGEST_WAIT:
            raise ValueError('expected at most "30s": an agent waits for it')
        return value

    @field_validator("name")
    @classmethod
    def _is_visible(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("expected the name of the model as its provider writes it")
        return value

    @model_validator(mode="after")
    def _url_is_safe(self) -> ModelEndpointSettings:
        require_safe_url(self.url, allow_private=self.allow_private)
        return self


class AnswerSettings(Frozen):
    """`[answers]`: what the machine does with questions that the FAQ answers.

    mode: of channels that say nothing.  wait: how long a customer may go on writing before the machine answers.
    model: writes drafts for agents; absent, what fits is found all the same.
    """

    mode: AnswerMode = "agents"
    wait: Pause = timedelta(seconds=5)
    model: ModelEndpointSettings | None = None

"""What `omniyard doctor` finds out about the model endpoint: one real question, and which fields it takes."""

from __future__ import annotations

from typing import Final

from connectors.base import Health
from connectors.safe_http import examine
from router.errors import OmniyardError
from router.generated.completion import completion_urls, read_text
from router.generated.prompts import text_request
from router.generated.purposes import LONGEST_TOKENS, Purpose
from router.generated.veil import Veil
from router.settings.machine_answers import ModelEndpointSettings
from workers.generated.endpoint import Answered, ModelEndpoint, ModelSilent, Silence
from workers.generated.prompt_files import load_prompt

_QUESTION: Final = "A refund to a bank card takes 1 to 7 working days."
_MENDS: Final = {
    Silence.UNREACHABLE: "it cannot be reached: check [answers.model] url, and that it runs",
    Silence.SLOW: "it did not answer within [answers.model] timeout: raise it, or choose a faster model",
    Silence.OVERLOADED: "it limits us (429): wait, or ask its provider for more",
    Silence.BROKEN: "it fails on its own side: ask its provider",
    Silence.UNREADABLE: "what it sends is no chat completion: url must be the base of an OpenAI-compatible API",
}
_REFUSALS: Final = {
    401: "it refuses the key (401): check [answers.model] key",
    403: "the key may not use the model (403): check [answers.model] key and name",
    404: "it has no such address or model (404): check [answers.model] url and name",
}


class _Unlimited:
    """The operator's own call is not taken from the day's budget."""

    def take(self, tokens: int) -> bool:
        """See `workers.generated.endpoint.TokenBudget`."""
        return tokens >= 0

    def settle(self, *, taken: int, used: int | None) -> None:
        """See `workers.generated.endpoint.TokenBudget`."""


def examine_answer_model(settings: ModelEndpointSettings) -> Health:
    """Ask the endpoint for one short text, as an agent would."""
    if settings.key is not None:
        settings.key.reveal()
    examine(completion_urls(settings.url)[0], allow_private=settings.allow_private)
    endpoint = ModelEndpoint(settings)
    prompt = load_prompt(Purpose.TONE)
    messages = text_request(prompt, text=_QUESTION, veil=Veil(), language="", tone="friendlier")
    try:
        answered = endpoint.ask(messages, longest=LONGEST_TOKENS[Purpose.TONE], budget=_Unlimited(), purpose="doctor")
    except ModelSilent as silent:
        return Health(ok=False, findings=(_mend(silent),))
    return _judged(answered, endpoint=endpoint)


def _mend(silent: ModelSilent) -> str:
    if silent.why is Silence.REFUSED and not silent.status and isinstance(silent.__cause__, OmniyardError):
        return str(silent.__cause__)
    usual = f"it refuses the request ({silent.status}): check [answers.model] url, name and key"
    return _REFUSALS.get(silent.status) or _MENDS.get(silent.why) or usual


def _judged(answered: Answered, *, endpoint: ModelEndpoint) -> Health:
    tokens = answered.completion.tokens
    counted = f", {tokens} tokens" if tokens is not None else "; it does not say how many tokens a call costs"
    findings = [f"{endpoint.settings.name} answered in {answered.milliseconds} ms{counted}", str(endpoint.dialect)]
    written = read_text(answered.completion.text)
    if written is None or not written.text:
        findings.append("its answer is not the JSON that it was asked for: no draft of it would be shown")
        return Health(ok=False, findings=tuple(findings))
    return Health(ok=True, findings=tuple(findings))

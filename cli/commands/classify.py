"""`omniyard classify`: classify texts. No message is stored, and no server is used."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer
from rich.console import Console
from rich.text import Text

from api.text.reasons import in_english
from cli.main import FAILED
from cli.terminal import ConfigOption
from router.classify import Classification
from router.settings.files import find_settings, load_settings
from workers.routing.brain import Brain, build_brain
from workers.runtime.logs import configure_logging

# As many as a worker routes at once: the sentence encoder is faster on many texts at once.
_BATCH: Final = 200
_CHUNK_BYTES: Final = 1 << 18
_EXPECTED: Final = 'expected a JSON object with a text, such as {"text": "my card was stolen"}'


def classify_command(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, read standard input.")] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read JSON lines {"text": ...} and print one JSON object for each.')
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Print for each text: category, sub-intent, probability, emergency, language, facts; secrets are masked.

    The configuration decides the categories, as for routing: its keywords and the active model; without one the
    keywords decide. Nothing is trained. JSON lines have the keys category, sub_intent, probability, runner_up,
    abstained, emergency, possible_danger, danger (its probability), danger_threshold, evidence (what speaks for
    danger), language, facts, masked, model; category is null when a person should decide; runner_up is then the most
    likely one.
    Exit code 1 if a line was not a JSON object with a text; the others are answered.

    Example: omniyard classify --jsonl --config config/channels.toml < messages.jsonl
    """
    brain = _brain(find_settings(config))
    if texts:
        _print(brain, texts, as_json=jsonl)
    elif jsonl:
        _answer_lines(brain, _batches(sys.stdin.buffer))
    else:
        _answer_pipe(brain, sys.stdin.buffer.read())


def _brain(file: Path) -> Brain:
    settings = load_settings(file)
    # Standard output holds answers alone.
    configure_logging("warning", stream=sys.stderr)
    # Nothing is signed here, so the desk's key is not needed.
    return build_brain(settings, key=b"")


def _answer_pipe(brain: Brain, content: bytes) -> None:
    """Answer one text, or JSON lines if the first line is one."""
    lines = content.splitlines()
    if lines and _text_of(lines[0]) is not None:
        _answer_lines(brain, (lines[first : first + _BATCH] for first in range(0, len(lines), _BATCH)))
    else:
        _print(brain, [content.decode("utf-8", "replace").strip()], as_json=False)


def _batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yield lines as they come, a batch at most: a program that writes one line and waits gets its answer."""
    read = getattr(stream, "read1", stream.read)
    rest = b""
    while chunk := read(_CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for first in range(0, len(lines), _BATCH):
            yield lines[first : first + _BATCH]
    yield [rest]


def _answer_lines(brain: Brain, batches: Iterable[Sequence[bytes]]) -> None:
    number = wrong = 0
    for batch in batches:
        texts = [_text_of(line) for line in batch]
        for at, (line, text) in enumerate(zip(batch, texts, strict=True), number + 1):
            if text is None and line.strip():
                print(f"omniyard: line {at}: {_EXPECTED}", file=sys.stderr)
                wrong += 1
        number += len(batch)
        _print(brain, [text for text in texts if text is not None], as_json=True)
    if wrong:
        raise typer.Exit(FAILED)


def _text_of(line: bytes) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    text = value.get("text") if isinstance(value, dict) else None
    # JSON can hold half of a surrogate pair, which UTF-8 cannot encode.
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else None


def _print(brain: Brain, texts: Sequence[str], *, as_json: bool) -> None:
    answers = brain.understand_batch(texts)
    if not as_json:
        for at, (answer, masked) in enumerate(answers):
            _print_readable(answer, masked, apart=at > 0)
        return
    lines = [json.dumps(_plain(answer, masked), ensure_ascii=False) for answer, masked in answers]
    if lines:
        sys.stdout.buffer.write("\n".join([*lines, ""]).encode())
        sys.stdout.buffer.flush()


def _plain(answer: Classification, masked: str) -> dict[str, object]:
    return {
        "category": answer.category,
        "sub_intent": answer.intent,
        "probability": answer.confidence,
        "runner_up": answer.runner_up,
        "abstained": answer.abstained,
        "emergency": answer.emergency,
        "possible_danger": answer.possible_danger,
        "danger": answer.danger,
        "danger_threshold": answer.danger_threshold,
        "evidence": [in_english(each) for each in answer.danger_evidence],
        "language": answer.language,
        "facts": _facts(answer),
        "masked": masked,
        "model": answer.model,
    }


def _facts(answer: Classification) -> dict[str, list[str]]:
    """Return the facts' values by kind, in the order of the text."""
    found: dict[str, list[str]] = {}
    for fact in answer.facts:
        found.setdefault(fact.kind, []).append(fact.value)
    return found


def _danger(answer: Classification) -> str:
    if not (answer.emergency or answer.possible_danger):
        return ""
    share = f"{answer.danger:.0%}, an emergency from {answer.danger_threshold:.0%}"
    evidence = "; ".join(map(in_english, answer.danger_evidence))
    return f"{'EMERGENCY' if answer.emergency else 'possible'} ({share}): {evidence}"


def _print_readable(answer: Classification, masked: str, *, apart: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if apart:
        console.print()
    about = answer.category or f"a person should decide (most likely {answer.runner_up or 'nothing known'})"
    other = f", else {answer.runner_up}" if answer.category and answer.runner_up else ""
    rows = {
        "about": about + (f" / {answer.intent}" if answer.intent else ""),
        "sure": f"{answer.confidence:.0%}{other}",
        "danger": _danger(answer),
        "because": ", ".join(answer.evidence),
        "language": answer.language,
        "facts": "; ".join(f"{kind}: {', '.join(values)}" for kind, values in _facts(answer).items()),
        "missing": ", ".join(answer.missing_facts),
        "text": " ".join(masked.split()),
        "by": f"model {answer.model}" if answer.model != "rules" else "keywords",
    }
    for name, words in rows.items():
        if words:
            console.print(Text(f"{name:>9}  {''.join(char if char.isprintable() else ' ' for char in words)}"))

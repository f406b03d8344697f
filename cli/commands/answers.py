"""`omniyard answers`: train the thresholds, try a question, list the answers, and the questions that found none."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from api.text.phrases import Words
from api.text.reasons import ReasonReader, say
from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json, print_table
from router.answers.caution import AskedQuestion
from router.answers.faq import examine_faq
from router.answers.gap_groups import group_questions
from router.masking.mask import mask
from router.settings import Settings
from router.settings.files import find_settings, load_settings
from router.text.facts import find_facts
from router.text.language import detect
from store.db.engine import Database
from store.db.open import current_version, open_database, require_current
from store.desk.phrasings import gaps, help_verdicts
from workers.answering.answerer import MODES, decision_trace
from workers.answering.faq_files import faq_folder, intents_next_to, read_faq_folder
from workers.answering.learn_answers import AnswerReport, learn_answers
from workers.answering.library import AnswerLibrary
from workers.routing.brain import build_brain
from workers.runtime.logs import configure_logging
from workers.training.learn import encoder_of

commands = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
_MOST = 1_000


@commands.callback()
def _about() -> None:
    """Train the thresholds of the answers, try a question, list the answers, and the questions that found none.

    Example: omniyard answers train
    """


@commands.command("train")
def train_command(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Train the thresholds from the FAQ's phrasings and the sub-intents, and show what they achieve.

    Each way to ask is asked once of an index that does not have it; the examples of sub-intents that no answer names
    are questions without an answer. The result is used within seconds. Too little to train from: nothing is answered
    alone, and the reason is shown.

    Example: omniyard answers train
    """
    configure_logging("warning", stream=sys.stderr)
    settings = load_settings(config)
    database = _database_with_tables(settings)
    try:
        report = learn_answers(settings, config=find_settings(config), encoder=encoder_of(settings), database=database)
    finally:
        if database:
            database.close()
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)


def _database_with_tables(settings: Settings) -> Database | None:
    """Return the database, for agents' ways to ask; None for a desk that has never started.

    Raises ConfigError for tables of another version.
    """
    database = open_database(settings)
    if current_version(database) is None:
        database.close()
        return None
    require_current(database)
    return database


def _print(report: AnswerReport) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{report.answers} answers, {report.ways} ways to ask, {report.without_answer} questions without an answer; "
        f"encoder {report.encoder or 'none'}."
    )
    if report.threshold is None:
        console.print(f"Nothing is answered alone: {report.refused}.")
    else:
        console.print(f"Answered from {report.threshold:.2f}, offered from {report.offer:.2f}.")
    columns = ("", "questions", "right first", "answered", "right of those (90 %)", "answered without an answer")
    rows = [
        (
            name,
            str(one.questions),
            f"{one.first:.1%}",
            f"{one.answered:.1%}",
            f"{one.right[0]:.1%} ({one.right[1]:.1%} to {one.right[2]:.1%})",
            f"{one.answerless_answered:.1%}",
        )
        for name, one in report.languages.items()
    ]
    print_table(columns, rows)
    if report.confused:
        print_table(
            ("answer", "taken for", "times"), [(one, other, str(count)) for one, other, count in report.confused]
        )
    if report.thin:
        console.print(f"Too few ways to ask, so at most offered: {', '.join(report.thin)}.")


@commands.command("ask")
def ask_command(
    text: Annotated[str, typer.Argument(help="What a customer writes.")],
    *,
    channel: Annotated[str | None, typer.Option(help="Whose mode counts; by default `answer`, the boldest.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the machine would do with a question, and why. Nothing is sent or kept.

    Example: omniyard answers ask "How long does a refund take?"
    """
    configure_logging("warning", stream=sys.stderr)
    settings = load_settings(config)
    encoder = encoder_of(settings)
    library = AnswerLibrary(settings, encoder=lambda: encoder, config=find_settings(config))
    brain = build_brain(settings, key=b"")
    (classified, masked), *_ = brain.understand_batch([text])
    asked = AskedQuestion(
        text=masked,
        category=classified.category,
        danger=classified.emergency or classified.possible_danger,
        facts=tuple(fact.kind for fact in find_facts(text)),
        secrets=mask(text).kinds,
        language=detect(text),
    )
    mode = MODES[settings.answer_mode(channel) if channel else "answer"]
    decision = library.book().decide(asked, mode=mode, today=datetime.now(UTC).date())
    if as_json:
        print_json(decision_trace(decision, version=library.book().version))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{decision.outcome}: {decision.best or ', '.join(decision.offered) or 'a person'}")
    reader = ReasonReader(words=Words("en"))
    for reason in decision.why:
        console.print(f"  {say(reason, reader=reader)}")
    rows = [
        (
            one.answer,
            "" if one.score.meaning is None else f"{one.score.meaning:.2f}",
            f"{one.score.words:.2f}",
            "" if one.confidence is None else f"{one.confidence:.2f}",
            one.score.way,
        )
        for one in decision.fits
    ]
    print_table(("answer", "meaning", "words", "confidence", "resembles"), rows)


@commands.command("list")
def list_command(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the answers with their rules and visitors' verdicts of 90 days; exit code 1 if a file has a problem.

    Example: omniyard answers list
    """
    file = find_settings(config)
    settings = load_settings(config)
    faq = read_faq_folder(faq_folder(file))
    now = datetime.now(UTC)
    with open_desk(config) as (_, database), database.read() as connection:
        verdicts = help_verdicts(connection, since=now - timedelta(days=90))
    rows = [
        {
            "answer": answer,
            "languages": sorted(texts),
            "send": str(faq.rule(answer)),
            "ways": sum(1 + len(text.also) for text in texts.values()),
            "until": next((text.until for text in texts.values() if text.until), None),
            "helped": verdicts.get(answer, (0, 0))[0],
            "did_not": verdicts.get(answer, (0, 0))[1],
        }
        for answer, texts in sorted(faq.texts.items())
    ]
    found = examine_faq(faq, intents=intents_next_to(file, settings), categories=settings.categories, today=now.date())
    if as_json:
        print_json({"answers": rows, "problems": found})
    else:
        print_table(tuple(rows[0]) if rows else ("answer",), [[_cell(value) for value in row.values()] for row in rows])
        for problem in found:
            print(problem, file=sys.stderr)
    if found:
        raise typer.Exit(1)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


@commands.command("gaps")
def gaps_command(
    *,
    days: Annotated[int, typer.Option(min=1, max=365, help="How far to look back.")] = 30,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the questions for which nothing was found, grouped, the most frequent first. Secrets are masked.

    Example: omniyard answers gaps --days 7
    """
    with open_desk(config) as (settings, database), database.read() as connection:
        rows = gaps(connection, since=datetime.now(UTC) - timedelta(days=days), limit=_MOST)
        encoder = encoder_of(settings) if rows else None
    groups = group_questions([row.text for row in rows], encoder=encoder)
    shown = [
        {
            "count": len(group),
            "language": rows[group[0]].language,
            "places": sorted({rows[at].place for at in group}),
            "text": rows[group[0]].text,
        }
        for group in groups
    ]
    if as_json:
        print_json(shown)
    else:
        print_table(
            ("count", "language", "places", "text"), [[_cell(value) for value in row.values()] for row in shown]
        )

"""`omniyard model` and `omniyard train`: train models, and choose the active one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from cli.terminal import ConfigOption, JsonOption, print_json, print_table, table
from router.classify.trainer import TrainingExample
from router.errors import ConfigError, Conflict
from router.settings import Settings
from router.settings.files import find_settings, load_settings
from store.db.open import current_version, is_usable, open_database
from workers.training.comparison import compare_reports, danger_rows
from workers.training.desk_examples import desk_examples
from workers.training.learn import learn
from workers.training.lessons import lessons_of
from workers.training.model_store import ModelChoice, ModelFolder, StoredModel
from workers.training.shipped import shipped_model

_COLUMNS = ("category", "texts", "found", "right", "gap", "taken for")
_DANGER_COLUMNS = (
    "danger",
    "dangers",
    "paged",
    "paged or marked",
    "ordinary",
    "false alarms",
    "marked",
    "look-alikes paged",
)
# How many other categories are shown for each, the ones that its examples are most confused with.
_SHOWN = 2


def train_command(
    config: ConfigOption = None,
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Activate the model at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the examples and on agents' corrections and verdicts; show its results on held-out examples.

    An alarm that an agent confirmed, and possible danger that an agent paged, is learnt as danger; an alarm that was
    released, and possible danger that was denied, as a text that only sounds like danger. Where an agent chose
    another category, that category is learnt instead.
    The model is stored as a file under the data folder; until it is activated nothing changes. Workers notice
    an active model within seconds. Texts are masked before training, and equal examples give an equal model.
    If training fails, the active model stays. --activate refuses a model that is worse than the active one: that
    classifies fewer texts correctly, finds fewer dangers or pages more ordinary messages, beyond chance.
    Exit code 1 if it is refused.

    Example: omniyard train --activate
    """
    file = find_settings(config)
    settings = load_settings(file)
    lessons = lessons_of(settings, file)
    if not lessons.teach:
        raise ConfigError(f"{file}: no model can be trained: fewer than two categories have examples")
    corrections = _corrections(settings)
    folder, started = ModelFolder.of(settings), time.monotonic()
    _, about = learn(folder, lessons, corrections=corrections)
    seconds = time.monotonic() - started
    worse = _worse(about, folder, settings) if activate else []
    if worse:
        _print(about, seconds=seconds, active=False)
        raise Conflict(
            f"model {about.version} is not activated, because it is worse than the active one: {'; '.join(worse)}"
        )
    if activate:
        folder.activate(about.version, desk=lessons.desk, at=datetime.now(UTC))
    if as_json:
        print_json(about.model_dump(mode="json") | {"active": activate, "seconds": round(seconds, 1)})
    else:
        _print(about, seconds=seconds, active=activate)


def _worse(about: StoredModel, folder: ModelFolder, settings: Settings) -> list[str]:
    """Return in what a model is worse than the active or shipped one; empty if in nothing, or if there is none."""
    choice = folder.in_force()
    active = next((one for one in folder.models() if choice and one.version == choice.version), None)
    before = active if choice else shipped_model(settings)
    return compare_reports(about.report, before.report) if before and before.version != about.version else []


def _corrections(settings: Settings) -> Sequence[TrainingExample]:
    """Return what agents corrected and judged; empty for a desk that has not routed anything yet."""
    database = open_database(settings)
    try:
        if not is_usable(database, current_version(database)):
            return ()
        with database.read() as connection:
            return desk_examples(connection, settings)
    finally:
        database.close()


def _print(about: StoredModel, *, seconds: float, active: bool) -> None:
    console = Console(highlight=False)
    print_report(about, console=console)
    taught = f"{about.examples} examples" + (f" and {about.corrections} texts from agents" if about.corrections else "")
    console.print(f"Model {about.version} learnt from {taught} in {seconds:.0f} seconds.", style="bold green")
    if about.encoder is None:
        console.print("The sentence encoder is not installed: install omniyard\\[encoder] for the last few per cent.")
    if active:
        console.print("It is active; running workers load it within seconds.")
    else:
        console.print(f"It is not active yet: omniyard model activate {about.version}")


def print_report(about: StoredModel, *, console: Console) -> None:
    """Print a model's results on held-out examples, category by category."""
    report = about.report
    categories = report.get("categories")
    if isinstance(categories, dict):
        rows = [_row(name, figures) for name, figures in categories.items() if isinstance(figures, dict)]
        console.print(table(_COLUMNS, rows))
    console.print(
        f"Of the held-out examples {_share(report.get('accuracy'))} were classified correctly; "
        f"its stated probability is off by {_share(report.get('calibration_error'))} on average."
    )
    if dangers := danger_rows(report):
        console.print(table(_DANGER_COLUMNS, dangers))


def _row(name: str, figures: dict[str, JsonValue]) -> tuple[str, ...]:
    wrong = figures.get("confused_with")
    others = list(wrong.items())[:_SHOWN] if isinstance(wrong, dict) else []
    shares = (_share(figures.get(key)) for key in ("recall", "precision", "calibration_error"))
    return (name, str(figures.get("examples")), *shares, ", ".join(f"{other} {count}" for other, count in others))


def _share(value: JsonValue) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else ""


commands = typer.Typer(
    help="List the trained models; activate one, or roll back.\n\nExample: omniyard model list",
    no_args_is_help=True,
)


@commands.command("list")
def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the models of this machine, oldest first; the active one is marked.

    Example: omniyard model list
    """
    folder, desk = _folder(config)
    choice, models = folder.in_force(), folder.models()
    active = choice.version if choice else ""
    if as_json:
        print_json([each.model_dump(mode="json") | {"active": each.version == active} for each in models])
        return
    rows = [
        (
            f"{each.version} *" if each.version == active else each.version,
            f"{each.trained_at:%Y-%m-%d %H:%M} UTC",
            str(each.examples),
            str(each.corrections),
            f"{each.report.get('accuracy', 0):.1%}",
            "this file" if each.desk == desk else "another",
        )
        for each in models
    ]
    print_table(("version", "trained", "texts", "corrected", "right", "learnt from"), rows)


@commands.command("show")
def show(
    version: Annotated[str, typer.Argument(help="A version, or the beginning of it.")], config: ConfigOption = None
) -> None:
    """Show a model's results on held-out examples, category by category.

    Example: omniyard model show 495a
    """
    folder, _ = _folder(config)
    print_report(folder.find(version), console=Console(highlight=False))


@commands.command("activate")
def activate(
    version: Annotated[str, typer.Argument(help="A version, or the beginning of it.")], config: ConfigOption = None
) -> None:
    """Activate a model; running workers load it within seconds.

    Example: omniyard model activate 495a0b009647
    """
    folder, desk = _folder(config)
    _say(folder.activate(folder.find(version).version, desk=desk, at=datetime.now(UTC)))


@commands.command("rollback")
def rollback(config: ConfigOption = None) -> None:
    """Activate the model that was active before this one.

    Example: omniyard model rollback
    """
    folder, desk = _folder(config)
    _say(folder.roll_back(desk=desk, at=datetime.now(UTC)))


def _folder(config: ConfigOption) -> tuple[ModelFolder, str]:
    file = find_settings(config)
    settings = load_settings(file)
    return ModelFolder.of(settings), lessons_of(settings, file).desk


def _say(choice: ModelChoice) -> None:
    print(f"Model {choice.version} is active; running workers load it within seconds.")

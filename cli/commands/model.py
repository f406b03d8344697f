"""`omniyard model`: which trained model is in force."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from cli.options import ConfigOption, JsonOption
from cli.terminal import print_json, print_table
from cli.train import print_report
from router.settings.files import find_settings, load_settings
from workers.training.learn import lessons_of
from workers.training.model_store import Choice, ModelFolder

commands = typer.Typer(
    help="List the trained models; activate one, or roll back.\n\nExample: omniyard model list",
    no_args_is_help=True,
)


@commands.command("list")
def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the models of this machine, oldest first; the one in force is marked.

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
    """Show how a model did on examples held back, category by category.

    Example: omniyard model show 495a
    """
    folder, _ = _folder(config)
    print_report(folder.find(version), console=Console(highlight=False))


@commands.command("activate")
def activate(
    version: Annotated[str, typer.Argument(help="A version, or the beginning of it.")], config: ConfigOption = None
) -> None:
    """Put a model in force; running workers take it within seconds.

    Example: omniyard model activate 495a0b009647
    """
    folder, desk = _folder(config)
    _say(folder.activate(folder.find(version).version, desk=desk, at=datetime.now(UTC)))


@commands.command("rollback")
def rollback(config: ConfigOption = None) -> None:
    """Put the model in force that was so before this one.

    Example: omniyard model rollback
    """
    folder, desk = _folder(config)
    _say(folder.roll_back(desk=desk, at=datetime.now(UTC)))


def _folder(config: ConfigOption) -> tuple[ModelFolder, str]:
    file = find_settings(config)
    settings = load_settings(file)
    return ModelFolder.of(settings), lessons_of(settings, file).desk


def _say(choice: Choice) -> None:
    print(f"Model {choice.version} is in force; running workers take it within seconds.")

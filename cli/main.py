"""The entry of `omniyard`: one row per command. A command's module is loaded when it runs, so help is quick."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli.env_file import read_env_file
from cli.quick_help import asks_for_help, asks_for_help_alone, leave_out_values, load_for_help, read_values
from router.errors import ConfigError, NotFound, OmniyardError, TransientError
from workers.runtime.cpu import calculate_alone
from workers.runtime.umask import keep_files_private

FAILED: Final = 1
_EXIT_CODES: Final[Mapping[type[OmniyardError], int]] = {ConfigError: 3, TransientError: 4, NotFound: 5}
# EX_SOFTWARE of sysexits.h: an error that no operator can repair.
_FAULT: Final = 70


def exit_code(error: OmniyardError) -> int:
    """Return the exit code for the error, as `omniyard --help` lists them."""
    return next((code for family, code in _EXIT_CODES.items() if isinstance(error, family)), FAILED)


class CommandGroup(TyperGroup):
    """A group whose commands are loaded when they run; a command's `obj` is its place, as `module:name`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  (typer's own types are private)
        """Return the real command in place of its row in the help."""
        name, row, rest = super().resolve_command(ctx, args)
        if name is None or row is None:
            return name, row, rest
        if asks_for_help(rest):
            self._show_help(name, rest, ctx=ctx)
        return name, _load(ctx.obj[name]), rest

    def _show_help(self, name: str, words: list[str], *, ctx: Any) -> None:  # noqa: ANN401
        """Print the command's help and end; return if it was not help that the words ask for."""
        try:
            command = load_for_help(_load, ctx.obj[name])
            with command.make_context(name, list(words), parent=ctx) as inner:
                command.invoke(inner)
        finally:
            read_values()

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command; an error becomes a sentence and an exit code, or a traceback with --debug."""
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except OmniyardError as error:
            _say(str(error))
            raise typer.Exit(exit_code(error)) from error
        # The outer loop of a command: a library's error, whatever its family, is no traceback on an operator's screen.
        except Exception as error:
            raise _own(error) from error


def _own(error: Exception) -> Exception:
    # typer ends a command by exceptions of its own and of click's, and knows what a closed pipe means.
    if isinstance(error, BrokenPipeError) or type(error).__module__.startswith(("typer", "click")):
        return error
    _say(f"a fault of Omniyard's own ({type(error).__name__}); `omniyard --debug ...` shows where")
    return typer.Exit(_FAULT)


def _say(sentence: str) -> None:
    print(f"omniyard: {sentence}", file=sys.stderr)


def _load(target: str) -> Any:  # noqa: ANN401
    module, _, name = target.partition(":")
    # Imported modules stay: to search them for garbage again and again takes a tenth of a short command's time.
    gc.disable()
    found = getattr(importlib.import_module(module), name)
    gc.freeze()
    gc.enable()
    return typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(found))


def _alone(function: Callable[..., Any]) -> typer.Typer:
    application = typer.Typer(add_completion=False, rich_markup_mode="rich")
    application.command()(function)
    return application


# Name, place of its function, and its line in `omniyard --help`.
COMMANDS: Final = (
    ("up", "cli.commands.up:up_command", "Start the whole desk on this machine; Ctrl-C stops it."),
    (
        "check",
        "cli.commands.check.command:check_command",
        "Read the configuration and print what is wrong with it, line by line.",
    ),
    (
        "doctor",
        "cli.commands.doctor:doctor_command",
        "Log in to every channel, the database and the broker; print how to repair what fails.",
    ),
    (
        "status",
        "cli.commands.status:status_command",
        "Show each channel: how far it was read, its lag, its last error, and whether the books balance.",
    ),
    ("import", "cli.commands.import_mail:import_command", "Take in old mail from a maildir, an mbox or .eml files."),
    (
        "parse",
        "cli.commands.parse:parse_command",
        "Print what Omniyard reads in a mail file, as one JSON object per line.",
    ),
    (
        "classify",
        "cli.commands.classify:classify_command",
        "Classify texts: category, emergency, facts; secrets are masked.",
    ),
    ("train", "cli.commands.model:train_command", "Train a model on the examples and on agents' corrections."),
    ("model", "cli.commands.model:commands", "List the trained models; activate one, or roll back."),
    (
        "answers",
        "cli.commands.answers:commands",
        "Train the answers' thresholds, try a question, list answers and gaps.",
    ),
    ("explain", "cli.commands.explain:explain_command", "Show why a message went where it went."),
    ("export", "cli.commands.export:export_command", "Print a complete case, or write it with its originals."),
    (
        "simulate",
        "cli.commands.simulate:simulate_command",
        "Replay stored messages under another configuration, and print what would change.",
    ),
    ("calendar", "cli.commands.calendar:calendar_command", "Print every open span of a calendar."),
    (
        "quarantine",
        "cli.commands.quarantine:commands",
        "List, show, replay or discard the messages that could not be routed.",
    ),
    (
        "outbound",
        "cli.commands.outbound:commands",
        "List outgoing messages that were not sent, and decide about them; freeze sending.",
    ),
    (
        "webhooks",
        "cli.commands.webhooks:commands",
        "List the webhook deliveries that wait or were given up; send them again.",
    ),
    ("cursor", "cli.commands.cursor:commands", "Show or move how far a channel has been read."),
    ("contact", "cli.commands.contact:commands", "Label contacts, for routes that match a label."),
    ("agent", "cli.commands.agent:commands", "Add, list or revoke the people who may use the desk."),
    ("audit", "cli.commands.audit:commands", "Check that the audit trail is unchanged; show it."),
    ("init", "cli.commands.installation.init:init_command", "Write the shipped configuration into a folder of yours."),
    ("migrate", "cli.commands.installation.migrate:migrate_command", "Bring the database to this version's tables."),
    ("key", "cli.commands.installation.key:commands", "List the desk's keys, make a new one, seal everything again."),
    ("systemd", "cli.commands.installation.systemd:systemd_command", "Write systemd units made from the Procfile."),
)

_EPILOG: Final = (
    "Exit codes: 0 done; 1 a problem was found and printed; 2 wrong usage; 3 the configuration cannot be used; "
    "4 a database, broker or server cannot be reached; 5 nothing has that id; 70 a fault of Omniyard's own. "
    "Example: omniyard up"
)


def application() -> typer.Typer:
    """Return the command with all its rows; no command is loaded yet."""
    command = typer.Typer(
        name="omniyard",
        cls=CommandGroup,
        help="Every customer message of every channel, exactly once, in one inbox, with the reasons next to it.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={
            "help_option_names": ["-h", "--help"],
            "obj": {name: target for name, target, _ in COMMANDS},
        },
    )
    for name, _, summary in COMMANDS:
        command.command(name, help=summary)(_placeholder)
    command.callback()(_root)
    return command


def _placeholder() -> None:
    """Stand in for a command until `CommandGroup` loads it."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"omniyard {importlib.import_module('importlib.metadata').version('omniyard')}")
        raise typer.Exit


def _root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="OMNIYARD_DEBUG", help="Show where in the code an error came from.")
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", envvar="OMNIYARD_ENV_FILE", help="A file of NAME=value lines, such as the secrets."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration file; it may stand after the command too.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Read the options that stand before the command; `CommandGroup` reads `debug`."""
    del debug, version
    if env_file is not None:
        # The command reads its own options, and their variables, after this.
        os.environ.update(read_env_file(env_file))
    if config is not None:
        os.environ["OMNIYARD_CONFIG"] = str(config)


def main() -> None:
    """Run the `omniyard` command."""
    keep_files_private()
    calculate_alone()
    if asks_for_help_alone(sys.argv[1:]):
        leave_out_values()
    application()()

"""How `omniyard` finds its commands late and says errors in one sentence."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup

from router.errors import ConfigError, NotFound, OmniyardError, TransientError

FAILED: Final = 1
_EXIT_CODES: Final[Mapping[type[OmniyardError], int]] = {ConfigError: 3, TransientError: 4, NotFound: 5}
# EX_SOFTWARE of sysexits.h: an error that no operator can mend.
_FAULT: Final = 70


def exit_code(error: OmniyardError) -> int:
    """Return the exit code that stands for the error, as `omniyard --help` lists them."""
    return next((code for family, code in _EXIT_CODES.items() if isinstance(error, family)), FAILED)


class CommandGroup(TyperGroup):
    """A group whose commands are loaded when they are run; its `obj` says where each lives, as `module:name`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  (typer's own types are private)
        """Return the real command in place of the row that stands for it in the help."""
        name, row, rest = super().resolve_command(ctx, args)
        return name, row if row is None else _load(ctx.obj[name]), rest

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command; an error becomes a sentence and an exit code, unless --debug asks for the whole story."""
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except OmniyardError as error:
            _say(str(error))
            raise typer.Exit(exit_code(error)) from error
        except (RuntimeError, OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
            raise _own(error) from error


def _own(error: Exception) -> Exception:
    # typer ends a command by exceptions of its own, which are RuntimeErrors, and knows what a closed pipe means.
    if isinstance(error, BrokenPipeError) or type(error).__module__.startswith("typer"):
        return error
    _say(f"a fault of Omniyard's own ({type(error).__name__}); `omniyard --debug ...` shows where")
    return typer.Exit(_FAULT)


def _say(sentence: str) -> None:
    print(f"omniyard: {sentence}", file=sys.stderr)


def _load(target: str) -> Any:  # noqa: ANN401
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    return typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(found))


def _alone(function: Callable[..., Any]) -> typer.Typer:
    application = typer.Typer(add_completion=False, rich_markup_mode="rich")
    application.command()(function)
    return application

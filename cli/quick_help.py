"""Print the help of a command without what the command works with: help needs names, options and docstrings alone.

Most commands import the settings, the database and half of the desk: a second and more of processor time. For help, a
command's module is loaded with stand-ins in place of what it imports, unless that is loaded already. A stand-in has
every attribute, does nothing, and is removed again before anything runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from itertools import takewhile
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

# Options that commands share, and the values of options.
_REAL: Final = (
    "cli.terminal",
    "router.errors",
    "api.http.permissions",
    "connectors.email.folder_roles",
    "store.tables.outbound_state",
)
# What typer imports for texts in Markdown, for tracebacks, and for values: help needs none of them.
_UNUSED_BY_HELP: Final = ("rich.markdown", "rich.traceback", "typer._adapters")
_NO_VALUES_IN: Final = ("OMNIYARD_DEBUG", "OMNIYARD_ENV_FILE")


def asks_for_help(words: Sequence[str]) -> bool:
    """Return whether a command line seems to ask for help; the words could also be an option's value."""
    return not {"--help", "-h"}.isdisjoint(words)


def asks_for_help_alone(words: Sequence[str]) -> bool:
    """Return whether a command line asks for help and has no option with a value before that."""
    before = takewhile(lambda word: word not in {"--help", "-h"}, words)
    plain = not any(word.startswith("-") for word in before) and os.environ.keys().isdisjoint(_NO_VALUES_IN)
    return plain and asks_for_help(words)


def load_for_help(load: Callable[[str], Any], target: str) -> Any:  # noqa: ANN401  (typer's own types are private)
    """Return the command that `load` returns, good for its help alone. Call `read_values` afterwards.

    target: `module:name`, as `load` gets it.
    """
    leave_out_values()
    import typer.rich_utils  # noqa: F401, PLC0415  (it draws the help, with whatever it imports)

    with _stand_ins(target.partition(":")[0]):
        command = load(target)
    _disarm(command)
    return command


def leave_out_values() -> None:
    """Let typer do without pydantic, with which it reads values, and without Markdown; does nothing if it has them."""
    for name in _UNUSED_BY_HELP:
        if name not in sys.modules:
            sys.modules[name] = module = _Module(name)
            module.try_build_adapter = _no_adapter  # type: ignore[attr-defined]


def read_values() -> None:
    """Let typer read values again, for a command that runs."""
    for name in _UNUSED_BY_HELP:
        if isinstance(sys.modules.get(name), _Module):
            _forget(name)


def _no_adapter(*_: object, **__: object) -> None:
    """Say that a value is taken as it is."""


@contextmanager
def _stand_ins(module: str) -> Iterator[None]:
    """Let each module but this one be a stand-in, if it is not loaded yet; forget in the end what was loaded."""
    before, finder = set(sys.modules), _Finder(module)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "cli" or isinstance(sys.modules[name], _Module):
                _forget(name)


def _forget(name: str) -> None:
    module = sys.modules.pop(name)
    folder, _, last = name.rpartition(".")
    if vars(sys.modules.get(folder, module)).get(last) is module:
        delattr(sys.modules[folder], last)


def _disarm(command: Any) -> None:  # noqa: ANN401
    """Let nothing run that has stand-ins."""
    command.callback = _nothing if command.callback else None
    for each in getattr(command, "commands", {}).values():
        _disarm(each)


def _nothing(**_: object) -> None:
    """Stand in for the function of a command."""


class _Anything(type):
    """The class of what a stand-in gives: it can be called, subclassed, iterated and written in annotations."""

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn

    def __call__(cls, *_: object, **__: object) -> Any:  # noqa: ANN401
        return _StandIn

    def __getitem__(cls, _: object) -> Any:  # noqa: ANN401
        return _StandIn

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __or__(cls, _: object) -> Any:  # noqa: ANN401
        return _StandIn

    __ror__ = __or__


class _StandIn(metaclass=_Anything):
    pass


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn


class _Finder:
    # `importlib.abc` has base classes for it, and costs as much as a command's whole module.
    def __init__(self, module: str) -> None:
        self._real = [f"{each}." for each in (module, *_REAL)]

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        """Return a stand-in, or None for what is to be loaded."""
        if any(each.startswith(f"{name}.") for each in self._real):
            return None
        return ModuleSpec(name, cast("Loader", self), is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that has everything."""
        return _Module(spec.name)

    def exec_module(self, _: ModuleType) -> None:
        """Load nothing."""

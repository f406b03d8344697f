"""`omniyard init`: write the shipped configuration into a folder of the operator's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Final

import typer

from router.errors import ConfigError
from router.settings.files import shipped_file

# What stands next to the shipped channels.toml in a wheel and is no configuration.
_NOT_OURS: Final = frozenset({"Procfile", "__pycache__"})


def init_command(
    folder: Annotated[Path, typer.Argument(help="The folder for the configuration; it is made if it is missing.")],
) -> None:
    """Write channels.toml, the words of danger, the categories' examples, the FAQ and the trained model.

    A file that is already there is never overwritten: the command stops before it writes anything.

    Example: omniyard init /etc/omniyard
    """
    source = shipped_file().parent
    names = sorted(each.name for each in source.iterdir() if each.name not in _NOT_OURS)
    if taken := [name for name in names if (folder / name).exists()]:
        raise ConfigError(f"{folder}: {', '.join(taken)} exist already; expected a folder without them")
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
        for name in names:
            _copy(source / name, folder / name)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}; expected a folder that can be written"
        ) from error
    typer.echo(
        f"{folder / shipped_file().name}\nnext: edit it, then `omniyard check --config {folder / shipped_file().name}`"
    )


def _copy(source: Path, target: Path) -> None:
    # The processes run as another user than the one who installs: configuration holds no secret.
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_OURS), copy_function=shutil.copyfile)
    else:
        shutil.copyfile(source, target)
    for each in (target, *target.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)

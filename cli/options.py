"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="OMNIYARD_CONFIG", help="The configuration file, if not the usual one."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

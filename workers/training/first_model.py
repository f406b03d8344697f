"""`python -m workers.training.first_model`: train a new desk's first model from the operator's examples."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from router.settings import Settings
from router.settings.files import find_settings, load_settings
from workers.runtime.cpu import calculate_alone
from workers.runtime.logs import configure_logging
from workers.runtime.umask import keep_files_private
from workers.training.learn import learn
from workers.training.lessons import lessons_of
from workers.training.model_store import ModelFolder
from workers.training.shipped import shipped_model

# A low priority for half a minute of work: mail goes first.
_NICENESS: Final = 10

_log = structlog.get_logger()


def is_due(settings: Settings, config: Path) -> bool:
    """Return whether there are examples, no model was ever put in force, and the shipped one does not fit."""
    waits = ModelFolder.of(settings).in_force() is None and shipped_model(settings) is None
    return waits and lessons_of(settings, config).teach


def main() -> None:
    """Train a model and put it in force; workers load it within seconds."""
    keep_files_private()
    os.nice(_NICENESS)
    calculate_alone()
    settings, config = load_settings(None), find_settings(None)
    configure_logging(settings.omniyard.log_level)
    folder, lessons = ModelFolder.of(settings), lessons_of(settings, config)
    _, about = learn(folder, lessons)
    if folder.in_force() is None:
        folder.activate(about.version, desk=lessons.desk, at=datetime.now(UTC))
    _log.info("model.learnt", version=about.version, examples=about.examples)


if __name__ == "__main__":
    main()

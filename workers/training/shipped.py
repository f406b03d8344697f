"""The model that comes with an installation, so that a new desk understands its first message.

`python -m workers.training.shipped` trains it from the shipped examples and writes it next to them. A test fails when
the examples or the words of danger have changed since.
"""

from __future__ import annotations

from typing import Final

import structlog

from router.settings import Settings
from router.settings.files import load_settings, shipped_file
from workers.training.model_store import ModelFolder, StoredModel

_FOLDER: Final = "model"


def shipped_folder() -> ModelFolder:
    """Return the folder of the shipped model."""
    return ModelFolder(shipped_file().parent / _FOLDER)


def shipped_model(settings: Settings) -> StoredModel | None:
    """Return what describes the shipped model; None for a desk whose categories are others than it learnt."""
    fitting = [one for one in shipped_folder().models() if _categories(one) == set(settings.categories)]
    return fitting[-1] if fitting else None


def _categories(about: StoredModel) -> set[str]:
    known = about.report.get("categories")
    return set(known) if isinstance(known, dict) else set()


def main() -> None:
    """Train the shipped model again; the old one is removed."""
    from workers.training.learn import learn  # noqa: PLC0415  (numpy, only to train)
    from workers.training.lessons import lessons_of  # noqa: PLC0415

    folder, before = shipped_folder(), shipped_folder().models()
    _, about = learn(folder, lessons_of(load_settings(shipped_file()), shipped_file()))
    for old in before:
        if old.version != about.version:
            folder.remove(old.version)
    structlog.get_logger().info("model.shipped", version=about.version, examples=about.examples)


if __name__ == "__main__":
    main()

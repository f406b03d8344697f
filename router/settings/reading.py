"""Turn the text of the operator's file into Settings, or say which key in which line is wrong and what was expected."""

from __future__ import annotations

import tomllib

from router.settings.model import Settings


def read_settings(text: str) -> Settings:
    """Return the settings that the TOML `text` describes."""
    return Settings.model_validate(tomllib.loads(text))

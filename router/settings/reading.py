"""Turn the text of the operator's file into Settings, or say which key in which line is wrong and what was expected."""

from __future__ import annotations

import tomllib

from pydantic import ValidationError

from router.errors import ConfigError
from router.settings.model import Settings


def read_settings(text: str, *, file: str = "channels.toml") -> Settings:
    """Return the settings that the TOML `text` describes.

    Raises ConfigError whose message is one line a problem.
    """
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from error
    except ValidationError as error:
        lines = (f"{file}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigError("\n".join(lines)) from error

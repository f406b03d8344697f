"""What the operator's one TOML file says, as frozen typed values.

`router.settings.model` is the vocabulary, `router.settings.reading` turns a file into it or explains why not.
"""

from router.settings.model import Settings
from router.settings.reading import read_settings
from router.settings.secret import Secret

__all__ = ["Secret", "Settings", "read_settings"]

"""The operator's TOML file as frozen typed values.

`router.settings.model` has the models, `router.settings.validation` turns text into them or explains its errors,
`router.settings.files` finds and reads the file.
"""

from router.settings.files import find_settings, load_settings
from router.settings.model import Settings
from router.settings.secret import Secret
from router.settings.validation import read_settings

__all__ = ["Secret", "Settings", "find_settings", "load_settings", "read_settings"]

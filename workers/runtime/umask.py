"""Keep every file that a process creates to the user who runs Omniyard."""

from __future__ import annotations

import os
from typing import Final

_OWNER_ONLY: Final = 0o077


def keep_files_private() -> None:
    """Create files and sockets as 0600 and folders as 0700 from now on; every entry point calls this first.

    What stands under the data folder is what customers wrote. Programs that this process starts inherit the limit.
    """
    os.umask(_OWNER_ONLY)

"""Import structlog without rich: imported first by every daemon.

structlog imports rich, if it is installed, for coloured tracebacks that no daemon prints: 9 MB a process.
"""

from __future__ import annotations

import sys

if "rich" not in sys.modules:
    # `None` makes an import fail, which structlog expects.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog.dev  # noqa: F401

    del sys.modules["rich"]

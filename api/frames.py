"""A message's HTML in a frame of its own: no scripts, no forms, no links that leave, nothing fetched from anywhere.

The HTML was sanitised when it was read. This is the second lock, for the day on which the first has a hole.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import HTMLResponse

# `sandbox` without words gives the frame an origin of its own and takes everything away, also when it is opened alone.
_SEALED: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# The background is white in dark mode as well: senders choose dark letters.
_PAGE: Final = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    "<style>html{{background:#fff;color:#111;font:15px/1.5 system-ui,sans-serif}}body{{margin:12px}}"
    "img{{max-width:100%}}table{{max-width:100%}}</style></head><body>{html}</body></html>"
)


def framed(html: str) -> HTMLResponse:
    """Return the sanitised `html` as a page that can do nothing."""
    return HTMLResponse(_PAGE.format(html=html), headers={"Content-Security-Policy": _SEALED})

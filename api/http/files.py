"""Respond with a file so that no browser shows or runs it, or saves it under a misleading name."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

from fastapi.responses import HTMLResponse, Response

from api.http.problems import ProblemError

# Types that no browser executes, even if a proxy or a plug-in ignores the headers; all others become plain bytes.
_HARMLESS: Final = frozenset(
    {
        "application/pdf",
        "application/zip",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "message/rfc822",
        "text/csv",
        "text/plain",
    }
)
_FORBIDDEN: Final = frozenset('/\\:*?"<>|%;')
# Names that Windows takes for a device, with any extension.
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_LONGEST_NAME: Final = 120
# A file that a browser shows all the same has no rights.
_SEALED: Final = "default-src 'none'; sandbox"


def download(content: bytes, *, name: str, media_type: str) -> Response:
    """Return the file as a download (RFC 6266), with a safe name and a type that is not executed."""
    headers = {
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": _SEALED,
        "X-Content-Type-Options": "nosniff",
    }
    harmless = media_type if media_type in _HARMLESS else "application/octet-stream"
    # Starlette would add a charset to text types, which would be a guess.
    return Response(content, headers={**headers, "Content-Type": harmless})


def shown_picture(content: bytes, *, name: str, media_type: str) -> Response:
    """Return a picture that a page shows; 404 for what is none. media_type: as its bytes say, not its sender."""
    if not media_type:
        raise ProblemError("not-found")
    headers = {
        "Content-Disposition": disposition(name).replace("attachment", "inline", 1),
        "Content-Security-Policy": _SEALED,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=600",
        "Content-Type": media_type,
    }
    return Response(content, headers=headers)


def shown_document(content: bytes, *, name: str) -> Response:
    """Return a PDF for the browser's own viewer, without any rights in the desk; 404 for what is none.

    A browser does not start its viewer in a frame with the attribute `sandbox`; it does for a response that says
    `sandbox` itself. The restrictions are the same: an origin of its own, no scripts, no forms, no requests.
    """
    # Where a viewer looks for the sign of a PDF: within the first kilobyte.
    if b"%PDF-" not in content[:1024]:
        raise ProblemError("not-found")
    headers = {
        "Content-Disposition": disposition(name).replace("attachment", "inline", 1),
        "Content-Security-Policy": f"{_SEALED}; frame-ancestors 'self'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=600",
        "Content-Type": "application/pdf",
    }
    return Response(content, headers=headers)


def disposition(name: str) -> str:
    """Return the Content-Disposition of a download: an ASCII name for old clients, and the real name.

    Source: RFC 6266 section 4.3 and appendix D, RFC 8187 section 3.2.
    """
    safe = safe_name(name)
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode().strip(" .") or "file"
    # Of a Chinese name only the extension may be left.
    plain = f"file{safe[safe.rfind('.') :]}" if "." in safe and plain == safe[safe.rfind(".") + 1 :] else plain
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def safe_name(name: str) -> str:
    """Return the name without characters that move the cursor, name a folder or a device, or hide the extension."""
    visible = "".join(letter for letter in unicodedata.normalize("NFC", name) if _is_visible(letter))
    trimmed = " ".join(visible.split()).strip(" .")
    if not trimmed or trimmed.split(".")[0].lower() in _DEVICES:
        trimmed = f"file-{trimmed}" if trimmed else "file"
    if len(trimmed) <= _LONGEST_NAME:
        return trimmed
    stem, dot, ending = trimmed.rpartition(".")
    kept = f".{ending}" if dot and len(ending) <= 10 else ""
    return (stem if kept else trimmed)[: _LONGEST_NAME - len(kept)] + kept


def _is_visible(letter: str) -> bool:
    # Category C: controls, formats (zero width, right-to-left override), surrogates, private use, unassigned.
    return letter not in _FORBIDDEN and not unicodedata.category(letter).startswith("C")


# A message's HTML in its own frame: no scripts, no forms, no external links, no requests.
# The HTML is sanitised when a message is parsed. This is the second protection, if the first has a gap.
# `sandbox` without values gives the frame an origin of its own and forbids everything, also when it is opened alone.
_SEALED_FRAME: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# What a customer's element with a ground of its own is: there their colours hold, in both themes.
_GROUND: Final = ':is([bgcolor],[style*="background-color"])'
# Elsewhere a text colour alone was meant for a white page: in the dark it goes. A picture may be dark on nothing.
_DARK: Final = f"""html{{background:#151d1c;color:#e4ecea;color-scheme:dark}}a{{color:#7cc3e6}}img{{background:#fff}}
:is(font[color],[style*="color:"]):not({_GROUND}):not({_GROUND} *){{color:inherit!important}}
a:not({_GROUND}):not({_GROUND} *){{color:#7cc3e6!important}}"""
_STYLE: Final = f"""html{{background:#fff;color:#111;font:15px/1.6 system-ui,sans-serif}}
body{{margin:12px;overflow-wrap:anywhere}}img{{max-width:100%}}table{{max-width:100%}}
a{{color:#0b5c7d}}{_GROUND}{{color:#111}}{_GROUND} a{{color:#0b5c7d}}"""
# By the reader's theme.
_STYLES: Final = {
    "light": _STYLE,
    "dark": f"{_STYLE}{_DARK}",
    "auto": f"{_STYLE}@media (prefers-color-scheme:dark){{{_DARK}}}",
}


def framed(html: str, *, theme: str = "light") -> HTMLResponse:
    """Return the sanitised `html` as a page without any rights. theme: light, dark, or auto for the reader's system."""
    page = (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f"<style>{_STYLES[theme]}</style></head><body>{html}</body></html>"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _SEALED_FRAME})

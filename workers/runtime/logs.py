"""Logging of every daemon: one line for each outcome, with keys; never a secret, an address or message text."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from router.errors import OmniyardError

# Loggers of libraries whose INFO lines name peers, recipients or every request.
_CHATTY: Final = (
    "mail.log", "mail.debug", "dramatiq", "uvicorn.access", "httpx", "imapclient", "asyncio", "twilio", "alembic",
    "uvicorn.error", "urllib3", "oauthlib", "requests_oauthlib", "tweepy",
)  # fmt: skip
_ADDRESS: Final = re.compile(r"[^\s@<>\"',;:()\[\]]+@[^\s@<>\"',;:()\[\]]+\.[^\s@<>\"',;:()\[\]]+")


def configure_logging(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send structlog's and the libraries' lines to `stream`, else to standard output.

    level: debug, info, warning or error; `debug` also shows whole tracebacks, which may repeat message text.
    OMNIYARD_LOG=text writes lines for people, any other value one JSON object per line.
    """
    shared = _shared(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last()))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def _shared(level: str) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info if level == "debug" else shorten_error,
        hide_addresses,
    ]


def _last() -> list[Processor]:
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, timestamp_key="at")
        if os.environ.get("OMNIYARD_LOG") == "text"
        else structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def hide_addresses(_: object, __: str, event: EventDict) -> EventDict:
    """Replace every mail address, in case our code or a library logs one."""
    for key, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[key] = _ADDRESS.sub("[address]", value)
    return event


def shorten_error(_: object, __: str, event: EventDict) -> EventDict:
    """Keep the safe part of an exception: our own message, or another error's type and where it was raised.

    A library's message is left out, because it may quote the text that it failed on.
    """
    error = _error(event.pop("exc_info", None))
    if error is not None:
        event["error"] = str(error) if isinstance(error, OmniyardError) else _place(error)
    return event


def _error(exc_info: Any) -> BaseException | None:  # noqa: ANN401  (logging's own union of shapes)
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("BaseException | None", exc_info[1])
    return sys.exc_info()[1] if exc_info else None


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}" if where else type(error).__name__

"""`omniyard doctor`: log in everywhere, look at everything, and say what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from cli.examining import (
    examine_broker,
    examine_channel,
    examine_data,
    examine_database,
    examine_desk,
    examine_sealing,
    examine_webhook,
)
from cli.group import FAILED
from cli.options import ConfigOption, JsonOption
from cli.terminal import print_json
from connectors.base import Health
from connectors.senders import mail_senders
from router.errors import OmniyardError
from router.settings import Settings
from router.settings.files import load_settings

# Channels are asked side by side; each has time-outs of its own.
_AT_ONCE: Final = 8


def doctor_command(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Try every part: configuration, disk, database, clock, sealing, broker, and a log-in to each enabled channel.

    Changes nothing, on no server. Exit code 1 if anything is wrong; every finding says how to mend it.

    Example: omniyard doctor
    """
    settings = load_settings(config)
    examinations = _examinations(settings)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        results = list(threads.map(_examined, examinations.values()))
    found = dict(zip(examinations, results, strict=True))
    if as_json:
        print_json([{"part": part, "ok": health.ok, "findings": health.findings} for part, health in found.items()])
    else:
        _show(found)
    if not all(health.ok for health in found.values()):
        raise typer.Exit(FAILED)


def _examinations(settings: Settings) -> dict[str, Callable[[], Health]]:
    parts: dict[str, Callable[[], Health]] = {
        "data folder": partial(examine_data, settings),
        "database": partial(examine_database, settings),
        "sealing": partial(examine_sealing, settings),
        "broker": partial(examine_broker, settings),
        "desk": partial(examine_desk, settings),
    }
    channels = ((name, channel) for name, channel in settings.channels.items() if channel.enabled)
    for name, channel in channels:
        parts[f"channel {name}"] = partial(examine_channel, name, channel, settings=settings)
    for name, webhook in settings.webhooks.items():
        if webhook.enabled:
            parts[f"webhook {name}"] = partial(examine_webhook, webhook)
    return parts | {f"replies of {name}": sender.probe for name, sender in mail_senders(settings).items()}


def _examined(examine: Callable[[], Health]) -> Health:
    try:
        return examine()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))


def _show(found: dict[str, Health]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for part, health in found.items():
        mark, style = ("ok", "green") if health.ok else ("WRONG", "bold red")
        console.print(Text.assemble((f"{mark:>5}  ", style), (part, "bold")))
        for finding in health.findings:
            console.print(Text(f"       {finding}"))

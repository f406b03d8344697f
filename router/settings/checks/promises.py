"""Promises and teams that cannot be meant as they are written."""

from __future__ import annotations

from collections.abc import Iterator

from router.settings.findings import Finding, Place, shown
from router.settings.model import Settings, SlaSettings


def check_promises(settings: Settings) -> Iterator[Finding]:
    """Find warnings that never come, and teams that fall back on themselves."""
    for name, sla in settings.sla.items():
        yield from _warnings(("sla", name), sla)
    for name, team in settings.teams.items():
        if team.fallback == name:
            message = "a team cannot stand in for itself; expected another one"
            yield Finding(place=("teams", name, "fallback"), value=shown(name), message=message)


def _warnings(place: Place, sla: SlaSettings) -> Iterator[Finding]:
    promises = [promise for promise in (sla.first_reply, sla.next_reply, sla.resolve) if promise is not None]
    if sla.on_warning and not sla.warn_before:
        message = "no effect: without warn_before nothing is warned of"
        yield Finding(place=(*place, "on_warning"), message=message, level="warning")
    if sla.warn_before and promises and max(promises) <= sla.warn_before:
        message = "no effect: every promise of this level is shorter"
        yield Finding(place=(*place, "warn_before"), message=message, level="warning")

"""What a single key cannot tell about the file: all checks across tables, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.settings.checks.calendars import check_calendars
from router.settings.checks.channels import check_channels
from router.settings.checks.promises import check_promises
from router.settings.checks.references import check_references
from router.settings.checks.routes import check_routes
from router.settings.checks.texts import check_words
from router.settings.findings import Finding
from router.settings.model import Settings


def crosscheck(settings: Settings, *, document: Mapping[str, object]) -> Iterator[Finding]:
    """Find what does not fit together in settings whose tables are each well formed.

    document: the file as it was read, for the names of tables that are not.
    """
    yield from check_references(settings, document=document)
    yield from check_calendars(settings)
    yield from check_channels(settings)
    yield from check_promises(settings)
    yield from check_routes(settings)
    yield from check_words(settings)

"""The places for bodies: how many large ones arrive at once, and how much of all waits in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from api.services.refusals import Refused
from router.settings.limits import LimitSettings

# A body beyond this goes to a file while it arrives.
SPOOL_BYTES: Final = 1_048_576
# An agent's request is smaller, and always has a place: the number of connections bounds these.
_LIGHT_BYTES: Final = 16_384
# No request but the contact form may have a larger body.
SMALL_BYTES: Final = 65_536


class NoPlaceError(Exception):
    """There is no place for this body now."""

    def __init__(self, what: Refused) -> None:
        super().__init__(what.value)
        self.what = what


class BodyPlaces:
    """The places of this process; used on its event loop alone."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._bytes = 0
        self._uploads: Counter[str] = Counter()

    @contextmanager
    def taken(self, address: str, *, size: int) -> Iterator[None]:
        """Take the places of one body while it arrives and is worked on. size: as its header says.

        Raises NoPlaceError if there are none.
        """
        held = min(size, SPOOL_BYTES) if size > _LIGHT_BYTES else 0
        is_upload = size > SMALL_BYTES
        if wanting := self._wanting(address, held=held, is_upload=is_upload):
            raise NoPlaceError(wanting)
        self._bytes += held
        self._uploads[address] += is_upload
        try:
            yield
        finally:
            self._bytes -= held
            self._uploads[address] -= is_upload
            # Without entries of 0, so that it does not grow with each address.
            self._uploads = +self._uploads

    def _wanting(self, address: str, *, held: int, is_upload: bool) -> Refused | None:
        if is_upload and self._uploads[address] >= self._limits.uploads_per_address:
            return Refused.UPLOADS_OF_ADDRESS
        if is_upload and self._uploads.total() >= self._limits.uploads:
            return Refused.UPLOADS
        return Refused.UPLOAD_MEMORY if held and self._bytes + held > self._limits.upload_memory else None

"""Open what rows keep sealed, one by one, so that a row which cannot be opened stands in a list with its reason."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from router.envelope import Envelope, Party, PartyKind, to_json
from router.errors import PermanentError, SealKeyMissing
from store.db.encryption import Sealer

_NOBODY: Final = Party(PartyKind.EMAIL, "")


def bare_envelope(*, channel: str, source_key: str, received_at: datetime, defects: tuple[str, ...] = ()) -> str:
    """Return the JSON of an envelope with nothing but the channel and the time of receipt."""
    bare = Envelope(sender=_NOBODY, channel=channel, source_key=source_key, received_at=received_at, defects=defects)
    return to_json(bare).decode()


def try_to_open(sealer: Sealer, text: str) -> tuple[str | None, str]:
    """Return the text opened and "", or None and why it cannot be opened."""
    try:
        return sealer.open_text(text), ""
    except (SealKeyMissing, PermanentError) as error:
        return None, str(error)

"""The kinds of facts that are found in texts (`router.text.facts`), for settings that name them."""

from __future__ import annotations

from typing import Final

# In the order in which facts are listed; a category of the operator's file may require any of them.
FACT_KINDS: Final = (
    "account", "registered_email", "phone", "transaction", "amount", "currency", "time", "device",
)  # fmt: skip

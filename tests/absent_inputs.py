"""Why a test is skipped whose inputs are kept next to the repository: they are large, or belong to others."""

from __future__ import annotations

from typing import Final

_NEXT_TO: Final = "an optional folder next to the repository"
NO_CORPORA: Final = f"there are no collected real messages here: {_NEXT_TO}, ../shared/corpora or $OMNIYARD_CORPORA"
NO_CASES: Final = f"there are no messages with expected results here: {_NEXT_TO}, ../shared/cases or $OMNIYARD_CASES"
NO_SPECS: Final = f"there are no descriptions of providers' APIs here: {_NEXT_TO}, ../shared/specs or $OMNIYARD_SPECS"

"""How the processes share the processor: a core a process, and no threads beside it that only wait for work."""

from __future__ import annotations

import os
from typing import Final

# What OpenBLAS, OpenMP and MKL read when they are loaded.
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def calculate_alone() -> None:
    """Let numpy calculate in the thread that asks; to be called before anything loads it.

    Its own threads spin while they wait. Two workers with two of them each on two cores took four times the processor
    time for a page of texts. An operator who knows better says so in the environment.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")

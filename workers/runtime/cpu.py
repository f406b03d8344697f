"""Limit numpy to one thread per process, so that processes do not compete for cores."""

from __future__ import annotations

import os
from typing import Final

# OpenBLAS, OpenMP and MKL read these when they are loaded.
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def calculate_alone() -> None:
    """Let numpy compute in the calling thread only; call this before numpy is loaded.

    Numpy's own threads spin while they wait: two workers with two threads each on two cores took four times the
    processor time for a batch of texts. An operator can override the limit in the environment.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")

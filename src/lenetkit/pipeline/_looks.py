"""The look at a picture that the networks are surest of, where it may be meant in several ways.

In: a fitted state, and looks at images. Out: the images as the network takes them, one look each.
Next: :meth:`FittedState.predict_proba <lenetkit.pipeline._fitted.FittedState.predict_proba>`.
"""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.pipeline._fitted import FittedState, get_input
from lenetkit.transforms import Looks, Prepared

__all__ = ["Look", "take_surest", "weigh_looks"]

# A second look is not asked where the first one is as sure as this: a tightly cut 7 has a line from side to side, too.
# Chosen on MNIST's training digits, outlined and crossed by drawn curves, and on tightly cut ones.
_SURE = 0.8


@attrs.frozen(kw_only=True, eq=False)
class Look:
    """One look at an image.

    Parameters
    ----------
    done : str
        What was done for it, in words; empty for the first look.
    image : ndarray of shape (height, width[, channels])
        What the network would see.
    sureness : float
        The highest probability of a label, times that of showing one, 0 to 1.
    taken : bool
        True if this look is the one that is answered from.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.synthesis import draw_digits
    >>> ((look,),) = Pipeline.pretrained().looks(draw_digits(1, styles="school", seed=3).images)
    >>> look.taken, look.done
    (True, '')
    """

    done: str
    image: npt.NDArray[Any]
    sureness: float
    taken: bool


def take_surest(fitted: FittedState, looks: Looks) -> Prepared:
    """Return each image as the look shows it that is to be taken."""
    images = looks.images.copy()
    asked, first, others = _ask(fitted, looks)
    taken = _choose(looks.rows, asked, first, others)
    rows = np.flatnonzero(taken >= 0)
    images[asked[rows]] = looks.others[taken[rows]]
    return fitted.as_prepared(images)


def weigh_looks(fitted: FittedState, looks: Looks) -> list[tuple[Look, ...]]:
    """Return all looks at each image, with what they are worth."""
    asked, first, others = _ask(fitted, looks)
    chosen = dict(zip(asked.tolist(), _choose(looks.rows, asked, first, others).tolist(), strict=True))
    sureness = _measure(fitted, looks.images)
    found = []
    for row, image in enumerate(looks.images):
        taken = chosen.get(row, -1)
        more = [
            Look(done=looks.done[at], image=looks.others[at], sureness=float(others[at]), taken=bool(at == taken))
            for at in np.flatnonzero(looks.rows == row)
        ]
        found.append((Look(done="", image=image, sureness=float(sureness[row]), taken=taken < 0), *more))
    return found


def _ask(fitted: FittedState, looks: Looks) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return which images have second looks, and how sure the networks are of their first looks and of the others."""
    asked = np.unique(looks.rows)
    return asked, _measure(fitted, looks.images[asked]), _measure(fitted, looks.others)


def _measure(fitted: FittedState, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if len(images) == 0:
        return np.zeros(0, np.float32)
    prepared = fitted.as_prepared(images)
    sureness = fitted.predict_proba(prepared).max(axis=1)
    if fitted.rejecting is not None:
        sureness = sureness * fitted.rejecting[1].digit_probability(get_input(prepared))
    return np.asarray(sureness)


def _choose(
    rows: npt.NDArray[Any], asked: npt.NDArray[Any], first: npt.NDArray[Any], others: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return, for each image asked about, the index of the other look to take, -1 for the first one."""
    # The last of each image's others is its surest; of equals, the one that comes first.
    order = np.lexsort((-np.arange(len(others)), others, rows))
    best = order[np.searchsorted(rows, asked, side="right") - 1]
    return np.where((first < _SURE) & (others[best] > first), best, -1)

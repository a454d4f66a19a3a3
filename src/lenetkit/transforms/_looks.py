"""Looks at images: what they show, and what else those show that may be meant in several ways.

In: images and second looks at some of them, from a transform. Out: the same, image by image or all together.
Next: :class:`lenetkit.pipeline.Pipeline` takes the look that its networks are surest of.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.transforms._pixels import Array

__all__ = ["Look", "Looks", "first_looks"]


class Looks(NamedTuple):
    """Images after a transform, and second looks at those that may be meant in several ways.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        The first look at each image.
    rows : ndarray of shape (m,)
        The image that each second look is at, ascending; an image may have none or several.
    others : ndarray of shape (m, height, width)
        The second looks.
    done : list of str
        The way of each second look, in words.

    Examples
    --------
    >>> from lenetkit.synthesis import corrupt, draw_digits
    >>> from lenetkit.transforms import MnistNormalize
    >>> outlines = corrupt(draw_digits(10, styles="school", seed=3).images, "canny_edges")
    >>> looks = MnistNormalize().look(outlines[4:5])
    >>> looks.images.shape, looks.rows.tolist(), looks.done
    ((1, 28, 28), [0], ['hollow strokes filled'])
    """

    images: Array
    rows: Array
    others: Array
    done: list[str]

    @classmethod
    def join(cls, parts: "Sequence[Looks]") -> "Looks":
        """Return the looks at all images, in their order."""
        if len(parts) == 1:
            return parts[0]
        starts = np.cumsum([0, *(len(part.images) for part in parts[:-1])])
        images, others = (np.concatenate(each) for each in ([p.images for p in parts], [p.others for p in parts]))
        rows = np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)])
        return cls(images, rows, others, [done for part in parts for done in part.done])

    def split(self) -> "list[Looks]":
        """Return the looks at each image alone."""
        first = np.searchsorted(self.rows, np.arange(len(self.images) + 1))
        return [
            Looks(self.images[row : row + 1], self.rows[a:b] - row, self.others[a:b], self.done[a:b])
            for row, (a, b) in enumerate(itertools.pairwise(first.tolist()))
        ]


def first_looks(images: Array) -> Looks:
    """Return looks without any second one."""
    return Looks(images, np.zeros(0, int), images[:0], [])


@attrs.frozen(kw_only=True, eq=False)
class Look:
    """One look at an image.

    Parameters
    ----------
    done : str
        The way to it, in words; empty for the first look.
    image : ndarray of shape (height, width[, channels])
        As the network would see it.
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

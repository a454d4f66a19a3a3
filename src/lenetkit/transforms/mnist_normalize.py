"""Pictures of one digit to the images that MNIST would have made of them."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from lenetkit._ink import (
    FILLED,
    LARGE,
    SIDE,
    SURE,
    WORKING_SIDE,
    doubts,
    fill_images,
    is_like_mnist,
    is_thin,
    look_again,
    raw_stages,
    stages,
    to_bytes,
    working_grey,
)
from lenetkit._utils.fork_lock import ForkLock
from lenetkit._utils.machine import count_cores
from lenetkit._utils.validation import switch
from lenetkit.transforms._base import register_transform
from lenetkit.transforms._looks import Looks, first_looks
from lenetkit.transforms._pixels import Array, BatchTransform, Images, check_all_channels, check_images, chunks

__all__ = ["MnistNormalize"]

# The images that second looks are at, what these show, uint8 (m, 28, 28), and what was done.
_SecondLook: TypeAlias = tuple[Array, Array, str]
# Images like MNIST's are told from others so many pixels at once, so that the few others go together.
_MANY = 2**23

# A large picture takes hundreds of NumPy calls, at each of which threads would hand the interpreter's lock to and fro.
# So each two of them take turns: one normalises while the other reads a file (benchmarks/pile.py).
_turns, _nobody = tuple(ForkLock() for _ in range(max(1, count_cores() // 2))), contextlib.nullcontext()


def _taking_turns(*sizes: tuple[int, ...]) -> contextlib.AbstractContextManager[Any]:
    """Wait for the other thread of two, if pictures of one of these sizes are large."""
    large = any(max(size) >= LARGE for size in sizes)
    return _turns[threading.get_native_id() % len(_turns)].inner if large else _nobody


@register_transform("mnist_normalize")
@attrs.frozen(kw_only=True)
class MnistNormalize(BatchTransform):
    """Make of any picture of one digit the 28x28 grey image that MNIST would have made of it.

    A photo, a scan or a drawing, in colour or grey, dark on light or light on dark, of any size. The light is evened
    out, ink is told from paper by its contrast and not by a fixed level, and noise, specks, ruled and dotted lines,
    frames and the edges of the paper are left out, as far as a digit remains without them. Strokes much thinner or
    wider than MNIST's are brought to the nearest width that is common there. Then MNIST's own preparation [1]_: the
    digit is scaled to fit 20x20 pixels by area weighting, its aspect ratio kept, and laid in 28x28 such that its centre
    of mass falls on the middle.

    Images of 28x28 that have all this already (black around a box of 20 pixels, the centre of mass in the middle,
    white ink) pass unchanged and fast, so that MNIST itself stays MNIST. A picture in which no ink is found becomes
    black: blank ones, noise, light that falls off, and pictures fewer than 4 pixels high or wide. This
    transform does not judge if what was found *is* a digit; two digits in one picture stay two digits in one image.

    Parameters
    ----------
    stroke : bool, default True
        Bring very thin and very wide strokes to the width of MNIST's, 1.8 to 3.6 pixels of the box.

    Raises
    ------
    SettingError
        If `stroke` is neither True nor False.

    Notes
    -----
    The result hardly depends on how the digit stands in its picture. On digits drawn in pictures of 120x120 pixels the
    test suite holds it to: the same image to the bit when the digit is shifted by whole pixels on flat paper and stays
    clear of the border; nearly the same (mean difference below 6 of 255 levels) when black and white change places,
    when the picture is enlarged up to 4 times, and when it is darkened or its contrast is lowered until ink and paper
    are 40 levels apart.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998: "The original black
       and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel box while preserving their
       aspect ratio. [...] the images were centered in a 28x28 image by computing the center of mass of the pixels".

    Examples
    --------
    A drawing of a 1, dark on light, far off the middle:

    >>> import numpy as np
    >>> from lenetkit.transforms import MnistNormalize
    >>> drawing = np.full((300, 200), 230, np.uint8)
    >>> drawing[40:140, 20:30] = 60
    >>> one = MnistNormalize()([drawing])
    >>> one.shape, one.dtype, int(one.max())
    ((1, 28, 28), dtype('uint8'), 255)
    >>> rows, columns = one[0].nonzero()
    >>> [int(bound) for bound in (rows.min(), rows.max(), columns.min(), columns.max())]
    [5, 24, 14, 15]

    Pictures of any size and colour go together; without a digit there is nothing to see:

    >>> photo = np.full((480, 640, 3), (200, 190, 170), np.uint8)
    >>> MnistNormalize()([drawing, photo]).max(axis=(1, 2)).tolist()
    [255, 0]
    """

    stroke: bool = attrs.field(default=True, validator=switch)

    _channels = (1, 3)
    working_side = WORKING_SIDE

    def _pass_unchanged(self, image: Array) -> Array | None:
        grey = to_bytes(image)
        return grey if is_like_mnist(grey)[0] and not is_thin(grey)[0] else None

    def _map(self, images: Array | list[Array]) -> Array | list[Array]:
        if isinstance(images, list):
            return super()._map(images)
        parts = []
        for part in chunks(images, _MANY):
            batch = np.asarray(images[part])
            found = self._apply(batch)
            parts.append(found.copy() if np.may_share_memory(found, batch) else found)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _apply(self, batch: Array) -> Array:
        return self._look(batch, None, doubting=False).images

    def look(self, images: Images, /, *, measure: Callable[[Array], Array] | None = None) -> Looks:
        """Return the transformed images, and second looks at pictures that may be meant in several ways.

        Second looks are taken where the ink alone does not tell: strokes so thin that they may be outlines, and are
        filled; lines from side to side that may cross the digit; grains; ink and paper of which neither is clearly the
        darker; so few pixels that a digit may fill them. :meth:`Pipeline.predict <lenetkit.pipeline.Pipeline.predict>`
        takes the look that its networks are surest of.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            As for calling the transform.
        measure : callable, optional
            Tells how sure an answer to transformed images, (m, 28, 28), would be, from 0 to 1: (m,). No second look is
            taken where it is sure enough. It may be called in several threads.

        Returns
        -------
        Looks
            Images, uint8 (n, 28, 28), and second looks at some of them.

        Raises
        ------
        DataError
            As calling the transform does.

        Examples
        --------
        >>> from lenetkit.synthesis import draw_digits
        >>> from lenetkit.transforms import MnistNormalize
        >>> looks = MnistNormalize().look(draw_digits(3, styles="school", seed=3).images)
        >>> len(looks.images), len(looks.others)
        (3, 0)
        """
        return self.look_at(check_images(images), measure)

    def look_at(self, images: Array | list[Array], measure: Callable[[Array], Array] | None = None) -> Looks:
        """Do what :meth:`look` does with images that :func:`lenetkit.transforms.check_images` has let through."""
        check_all_channels(images, self._channels)
        if not isinstance(images, list):
            if len(images) == 1:
                return self._look(np.asarray(images), measure)
            return Looks.join([self._look(np.asarray(images[part]), measure) for part in chunks(images, _MANY)])
        # All of a pile in one turn: otherwise two threads would read at the same time, and then wait for one another.
        sizes = {image.shape for image in images}
        with _taking_turns(*sizes):
            return self._look_at_list(images, sizes, measure)

    def _look_at_list(
        self, images: list[Array], sizes: set[tuple[int, ...]], measure: Callable[[Array], Array] | None
    ) -> Looks:
        """Look at pictures of any sizes: those of one size go together, in colour or not, which is less work."""
        if sizes == {(SIDE, SIDE)}:
            return self.look_at(np.stack(images), measure)
        # Only grey ones are like MNIST's: at that size colours are left.
        grey = [
            image if image.shape[:2] == (SIDE, SIDE) else working_grey(to_bytes(image[np.newaxis]))[0]
            for image in images
        ]
        rows: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(grey):
            rows.setdefault(image.shape, []).append(index)
        if len(rows) == 1:
            return self.look_at(np.stack(grey), measure)
        found: dict[int, Looks] = {}
        for same in rows.values():
            looks = self.look_at(np.stack([grey[index] for index in same]), measure)
            found.update(zip(same, looks.split(), strict=True))
        return Looks.join([found[index] for index in range(len(images))])

    def _look(self, batch: Array, measure: Callable[[Array], Array] | None, *, doubting: bool = True) -> Looks:
        """Look at pictures of one size, and a second time where there are doubts and the measure is not sure."""
        batch = to_bytes(batch)
        done = is_like_mnist(batch)
        images, others = batch, np.flatnonzero(~done)
        seen: list[_SecondLook] = []
        if doubting and done.any():
            thin = np.concatenate([is_thin(batch[part]) for part in chunks(batch)]) & done
            for rows in map(np.flatnonzero, _remaining_doubts({"thin": thin}, batch, measure).values()):
                index, filled = fill_images(batch[rows], stroke=self.stroke)
                seen.append((rows[index], filled, FILLED))
        if len(others):
            images = batch.copy() if done.any() else np.empty((len(batch), SIDE, SIDE), np.uint8)
            pictures = batch[others] if done.any() else batch
            for part in chunks(pictures):
                with _taking_turns(batch.shape[1:3]):
                    found = dict(raw_stages(pictures[part], self.stroke))
                rows = others[part]
                images[rows] = found["result"]
                if doubting:
                    unsure = _remaining_doubts(doubts(found), found["result"], measure)
                    looks = look_again(found, unsure, self.stroke) if unsure else ()
                    seen += [(rows[index], other, way) for index, other, way in looks]
        return _gather(images, seen)

    def steps(self, image: Array) -> dict[str, Array]:
        """Return the stages of one image.

        Parameters
        ----------
        image : ndarray of shape (height, width[, 1 or 3])
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        dict of str to ndarray
            The stages in their order, each uint8: ``"grey"``, ``"even paper"``, ``"possible ink"``, ``"digit"``,
            ``"stroke"`` and ``"result"``, which is what calling the transform gives; only that where the image passes
            unchanged.

        Raises
        ------
        DataError
            If the image is not that.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.transforms import MnistNormalize
        >>> drawing = np.full((60, 90), 230, np.uint8)
        >>> drawing[10:50, 20:26] = 60
        >>> for name, stage in MnistNormalize().steps(drawing).items():
        ...     print(name, stage.shape)
        grey (60, 90)
        even paper (60, 90)
        possible ink (60, 90)
        digit (60, 90)
        stroke (104, 104)
        result (28, 28)
        """
        checked = np.asarray(check_images([image], channels=self._channels))
        return {name: images[0] for name, images in stages(checked, stroke=self.stroke)}

    def describe_steps(self) -> list[dict[str, Any]]:
        """Return its stages and constants; see :func:`lenetkit.transforms.describe_transform`."""
        from lenetkit._ink import describe_stages

        return describe_stages(stroke=bool(self.stroke))


def _remaining_doubts(
    unsure: dict[str, Array], images: Array, measure: Callable[[Array], Array] | None
) -> dict[str, Array]:
    """Return the doubts about images, by reason, that the measure does not dispel; nothing if none is left."""
    if not any(map(np.count_nonzero, unsure.values())):
        return {}
    if measure is None:
        return unsure
    rows = np.flatnonzero(np.any(list(unsure.values()), axis=0))
    sureness = np.ones(len(images), np.float32)
    sureness[rows] = measure(images[rows])
    unsure = {reason: answer & (sureness < SURE[reason]) for reason, answer in unsure.items()}
    return unsure if any(map(np.count_nonzero, unsure.values())) else {}


def _gather(images: Array, seen: list[_SecondLook]) -> Looks:
    """Return looks at images with the second ones in the order of the images."""
    if not seen:
        return first_looks(images)
    rows, others = (np.concatenate([look[place] for look in seen]) for place in (0, 1))
    order = np.argsort(rows, kind="stable")
    ways = [way for index, _, way in seen for _ in index]
    return Looks(images, rows[order], others[order], [ways[index] for index in order])

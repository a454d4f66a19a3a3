"""Images of digits as material for lines of writing: chosen by label, sized, slanted, bent and inked anew.

In: data sets of digits (:class:`~lenetkit.datasets.Dataset`), bright on black. Out: ink, float32 in [0, 1]. Next: the
writing of lines.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit._utils.validation import is_number
from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, SettingError

__all__ = ["DigitSource", "DigitSources", "Digits", "PlacedDigits"]

Digits = Dataset | Sequence[Dataset | tuple[Dataset, float]]

Images = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.float32]

# A pixel above this level belongs to a digit, as in MNIST's own boxes of faint edges.
_INKED = 50
# Wide digits are not as small as MNIST's box makes them: this power of the way back to one height, at most so much.
_EVENED, _MOST_EVENED = 0.7, 1.6
# Standard deviations of the width from digit to digit and from hand to hand, as logarithms; waves per height that bend
# a digit. Set by eye.
_STRETCH_SPREAD, _HAND_STRETCH, _FREQUENCY = 0.05, 0.12, (0.4, 1.2)
# Where between paper and ink the edge of a line is put: low makes it bold. And how much steeper it may become.
_EDGE, _STEEPER = (0.3, 0.58), 1.2


@attrs.frozen(kw_only=True, eq=False)
class PlacedDigits:
    """Sizes of k images of digits before they are drawn; lengths in pixels of the line."""

    images: Images  # (k, h, w)
    bottom: Floats  # (k,), row of each image on which its digit stands
    middle: Floats  # (k,), column of each image that is its middle
    scale: Floats  # (k,), pixels of the line for one of the image
    stretch: Floats  # (k,), how much wider
    height: Floats  # (k,)
    width: Floats  # (k,), with the slant
    slant: float
    bend: float  # standard deviation of the waves, in digit heights

    def draw(
        self, rise: Floats, slope: float, frame: tuple[int, int, float], rng: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        """Return ink (k, rows, columns), each digit standing on row `foot` + `rise` in the middle of its frame."""
        rows, columns, foot = frame
        count, tall = len(self.images), self.height[:, None]
        dx = np.arange(columns) + 0.5 - columns / 2
        dy = np.arange(rows) + 0.5 - foot - rise[:, None]
        swell = self.bend * tall * rng.standard_normal((2, count, 1))
        wave, phase = rng.uniform(*_FREQUENCY, (2, count, 1)), rng.uniform(0, 2 * np.pi, (2, count, 1))
        across = self.slant * (dy + tall / 2) + swell[0] * np.sin(2 * np.pi * wave[0] * dy / tall + phase[0])
        along = swell[1] * np.sin(2 * np.pi * wave[1] * dx / tall + phase[1]) - slope * dx
        scale = self.scale[:, None]
        x = (dx / (scale * self.stretch[:, None]))[:, None, :] + (across / (scale * self.stretch[:, None]))[:, :, None]
        y = (dy / scale)[:, :, None] + (along / scale)[:, None, :]
        # Pixel centres lie at i + 0.5; the frame of one pixel around each image makes it i + 1.5.
        x = x.astype(np.float32) + (self.middle + 0.5).astype(np.float32)[:, None, None]
        y = y.astype(np.float32) + (self.bottom + 0.5).astype(np.float32)[:, None, None]
        ink = _between(self.images, x, y)
        edge, steepness = rng.uniform(*_EDGE), 1 + rng.uniform(0, _STEEPER) * min(1.0, float(self.scale.mean()))
        ink = (ink - np.float32(edge)) * np.float32(steepness) + np.float32(min(0.5, edge))
        return np.asarray(np.clip(ink, 0, 1))


class DigitSource:
    """Images of all ten digits, to choose from.

    Raises DataError if the data set has no images of digits in grey, or if a digit is missing.
    """

    def __init__(self, dataset: Dataset, name: str = "digits") -> None:
        if not isinstance(dataset, Dataset):
            raise DataError(f"{name} must be a Dataset, such as load_dataset('mnist'); got {type(dataset).__name__}.")
        shape = tuple(dataset.images.shape)
        if len(shape) != 3 and shape[3:] != (1,):
            raise DataError(f"{name} must have grey images of shape (n, height, width); got {shape}.")
        names = np.array(dataset.class_names)
        labels = dataset.labels if dataset.labels.dtype.kind == "U" else names[dataset.labels]
        self._dataset = dataset
        self._rows = [np.flatnonzero(labels == str(digit)) for digit in range(10)]
        missing = [str(digit) for digit, rows in enumerate(self._rows) if not len(rows)]
        if missing:
            raise DataError(
                f"{name} must have images of all ten digits, named 0 to 9; there is no {', '.join(missing)}. Add some."
            )

    def place(
        self, labels: Sequence[int], sizes: Floats, slant: float, bend: float, rng: np.random.Generator
    ) -> PlacedDigits:
        """Choose an image for each label; `sizes` are the heights of the digits in pixels."""
        chosen = [
            self._rows[label][int(at * len(self._rows[label]))]
            for label, at in zip(labels, rng.random(len(labels)), strict=True)
        ]
        images = np.stack([np.asarray(self._dataset.images[int(row)]) for row in chosen])
        images = images.reshape(images.shape[:3])
        inked = images > np.minimum(_INKED, images.max(axis=(1, 2), keepdims=True) // 2)
        (top, bottom), (left, right) = _ends(inked.any(axis=2)), _ends(inked.any(axis=1))
        tall, wide = np.maximum(bottom - top, 1.0), np.maximum(right - left, 1.0)
        longer = np.maximum(tall, wide)
        evened = np.minimum((longer / tall) ** _EVENED, _MOST_EVENED)
        scale = sizes / longer * evened
        stretch = np.exp(_HAND_STRETCH * rng.standard_normal() + _STRETCH_SPREAD * rng.standard_normal(len(labels)))
        return PlacedDigits(
            images=images,
            bottom=bottom,
            middle=(left + right) / 2,
            scale=scale,
            stretch=stretch,
            height=tall * scale,
            width=wide * scale * stretch + abs(slant) * tall * scale,
            slant=slant,
            bend=bend,
        )


class DigitSources:
    """One or more data sets of digits, each as often as its weight says.

    Raises DataError or SettingError if there is none, or one is no data set of digits or has no weight.
    """

    def __init__(self, digits: Digits) -> None:
        several = isinstance(digits, list | tuple)
        if several and not digits:
            raise DataError("digits must have at least one Dataset; got none.")
        items = [_weighed(item, f"digits[{at}]") for at, item in enumerate(digits)] if several else [(digits, 1.0)]
        self._sources = [
            DigitSource(dataset, f"digits[{at}]" if several else "digits")  # type: ignore[arg-type]
            for at, (dataset, _) in enumerate(items)
        ]
        self._bounds = np.cumsum([weight for _, weight in items])

    @property
    def several(self) -> bool:
        """True where there is a choice."""
        return len(self._sources) > 1

    def choose(self, at: float = 0.0) -> DigitSource:
        """Return the data set at a position from 0 to 1 along all weights."""
        return self._sources[int(np.searchsorted(self._bounds[:-1], at * self._bounds[-1], side="right"))]


def _weighed(item: object, name: str) -> tuple[object, float]:
    """Return a data set with its weight, 1 where none is given."""
    if not isinstance(item, tuple):
        return item, 1.0
    if len(item) != 2 or not is_number(item[1], 0) or not item[1]:
        raise SettingError(f"{name} must be a Dataset, or a pair of a Dataset and a weight above 0; got {item!r:.200}.")
    return item[0], float(item[1])


def _ends(inked: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the first and just behind the last True of each row."""
    return inked.argmax(axis=1).astype(float), inked.shape[1] - inked[:, ::-1].argmax(axis=1).astype(float)


def _between(images: Images, x: Ink, y: Ink) -> Ink:
    """Return levels from 0 to 1 at positions (k, rows, columns) in images with a frame of one pixel, bilinearly."""
    count, height, width = images.shape
    framed = np.zeros((count, height + 2, width + 2), np.float32)
    framed[:, 1:-1, 1:-1] = images
    framed /= np.maximum(framed.max(axis=(1, 2), keepdims=True), 1)
    np.clip(x, 0, width + 0.999, out=x)
    np.clip(y, 0, height + 0.999, out=y)
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column
    y -= row
    at = (np.arange(count, dtype=np.int32)[:, None, None] * (height + 2) + row) * (width + 2) + column
    levels = framed.reshape(-1)
    above, below = levels[at], levels[at + (width + 2)]
    above += x * (levels[at + 1] - above)
    below += x * (levels[at + (width + 3)] - below)
    below -= above
    below *= y
    above += below
    return np.asarray(above)

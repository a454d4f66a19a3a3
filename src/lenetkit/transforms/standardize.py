"""Pixels to mean 0 and standard deviation 1."""

from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.deprecation import warn_renamed
from lenetkit._utils.validation import switch
from lenetkit.exceptions import DataError, NotFittedError, SettingError
from lenetkit.transforms._base import Affine, AffineBatchTransform, register_transform
from lenetkit.transforms._pixels import Array, Images, check_images, chunks

__all__ = ["Standardize"]

# Below this the division would only blow up rounding errors: one grey level in one of ten million pixels is 1e-6.
_SMALLEST_STD = 1e-6


@attrs.frozen(eq=False)
class _State:
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]


@register_transform("standardize")
@attrs.define(kw_only=True, eq=False)
class Standardize(AffineBatchTransform):
    """Subtract the mean that the training images had and divide by their standard deviation. Comes last, if at all.

    Parameters
    ----------
    per_channel : bool
        Learn one mean and standard deviation for each channel rather than one for all pixels.

    Attributes
    ----------
    mean_, std_ : ndarray of shape (1,), or (n_channels,) with `per_channel`
        float64, learnt by :meth:`fit`: mean and (population) standard deviation of all pixels in units of 0..1,
        whatever the images' type.

    Raises
    ------
    SettingError
        If `per_channel` is neither true nor false.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Standardize
    >>> images = np.array([[[0, 255]], [[255, 0]]], np.uint8)
    >>> standardize = Standardize().fit(images)
    >>> standardize.mean_, standardize.std_
    (array([0.5]), array([0.5]))
    >>> standardize(images)[0]
    array([[-1.,  1.]], dtype=float32)
    """

    per_channel: bool = attrs.field(default=False, on_setattr=attrs.setters.frozen, validator=switch)
    _state: _State | None = attrs.field(default=None, init=False, repr=False)

    @property
    def mean_(self) -> npt.NDArray[np.float64]:
        """Mean of the training images' pixels, float64 of shape (1,) or (n_channels,), in [0, 1]."""
        return self._fitted().mean

    @property
    def std_(self) -> npt.NDArray[np.float64]:
        """Standard deviation of the training images' pixels, float64 of shape (1,) or (n_channels,)."""
        return self._fitted().std

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        maps = zip(np.atleast_1d(self.scale), np.atleast_1d(self.offset), strict=True)
        rules = [f"out = in * {scale:.9g} + {offset:.9g}, of levels from 0 to 255" for scale, offset in maps]
        return [f"channel {k}: {rule}" for k, rule in enumerate(rules)] if self.per_channel else rules

    def fit(self, images: Images, /) -> Self:
        """Learn mean and standard deviation.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            Training images, uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        Standardize
            Itself.

        Raises
        ------
        DataError
            If the images are not that, do not agree in the number of channels (with `per_channel`), or are all of one
            grey level.
        """
        checked = check_images(images)
        n_channels = self._count_channels(checked)
        mean = _moment(checked, np.zeros(n_channels), power=1)
        std = np.sqrt(_moment(checked, mean, power=2))
        if (std < _SMALLEST_STD).any():
            where = f" in channel {int(np.argmin(std))}" if n_channels > 1 else ""
            raise DataError(
                f"Standardize: the images must hold more than one grey level; found only "
                f"{mean[np.argmin(std)]:.4g} (of 0..1){where}. There is no standard deviation to divide by."
            )
        self._state = _State(mean, std)
        return self

    def affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return the map: scale 1 / (255 std) for uint8, 1 / std for float, and offset -mean / std, shaped as ``std_``.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        white = 255 if np.dtype(dtype) == np.uint8 else 1
        scale, offset = 1 / (white * self.std_), -self.mean_ / self.std_
        return Affine(scale.astype(np.float32), offset.astype(np.float32))

    def _map(self, images: Array | list[Array]) -> Array | list[Array]:
        self._count_channels(images, expected=len(self.mean_))
        return super()._map(images)

    def get_state(self) -> dict[str, Any] | None:
        """Return ``mean`` and ``std`` as lists of float; None before :meth:`fit`."""
        return None if self._state is None else {"mean": self._state.mean.tolist(), "std": self._state.std.tolist()}

    def set_state(self, state: dict[str, Any], /) -> None:
        """Restore what :meth:`get_state` returned; a SettingError if it is not that."""
        mean, std = state.get("mean"), state.get("std")
        count = _count_numbers(mean, 0)
        good = state.keys() == {"mean", "std"} and count == _count_numbers(std, _SMALLEST_STD) > 0
        if not good or (count > 1 and not self.per_channel):
            raise SettingError(
                "Standardize: what was learnt must be 'mean' in 0..1 and 'std' in 1e-6..1, a list of numbers each, "
                f"one for all pixels or one per channel; got {state!r}."
            )
        self._state = _State(np.array(mean, np.float64), np.array(std, np.float64))

    def learnt_to_dict(self) -> dict[str, Any] | None:
        """Return what :meth:`get_state` returns: its old name."""
        warn_renamed("Standardize.learnt_to_dict", "Standardize.get_state")
        return self.get_state()

    def learnt_from_dict(self, state: dict[str, Any]) -> None:
        """Do what :meth:`set_state` does: its old name."""
        warn_renamed("Standardize.learnt_from_dict", "Standardize.set_state")
        self.set_state(state)

    def _fitted(self) -> _State:
        if self._state is None:
            raise NotFittedError(
                "Standardize has not learnt its mean and standard deviation yet. "
                "Call fit with the training images first."
            )
        return self._state

    def _count_channels(self, images: Array | list[Array], expected: int | None = None) -> int:
        if not self.per_channel:
            return 1
        shapes = [image.shape for image in images] if isinstance(images, list) else [images.shape[1:]]
        counts = [shape[2] if len(shape) == 3 else 1 for shape in shapes]
        wanted, source = (counts[0], "images[0]") if expected is None else (expected, "the images in fit")
        for index, count in enumerate(counts):
            if count != wanted:
                raise DataError(
                    f"Standardize: images must have the same number of channels as {source}, {wanted}; "
                    f"images[{index}] has {count}."
                )
        return wanted


def _moment(images: Array | list[Array], centre: npt.NDArray[np.float64], *, power: int) -> npt.NDArray[np.float64]:
    """Return the mean over all pixels of (pixel - centre) ** power for each channel, pixels in 0..1."""
    total, count = np.zeros(len(centre)), 0
    for batch in images if isinstance(images, list) else (np.asarray(images[part]) for part in chunks(images)):
        white = 255 if batch.dtype == np.uint8 else 1
        pixels = batch.astype(np.float64).reshape(-1, len(centre)) / white
        total += ((pixels - centre) ** power).sum(axis=0)
        count += len(pixels)
    return total / count


def _count_numbers(values: Any, least: float) -> int:
    """Return how many numbers from `least` to 1 a list holds; 0 if it is no list, or not of such numbers."""
    if not isinstance(values, list):
        return 0
    good = [type(value) in (int, float) and least <= value <= 1 for value in values]
    return len(good) if all(good) else 0

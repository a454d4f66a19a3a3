"""Checked images, and functions on batches of one size applied to them.

In: an array (n, height, width[, channels]), or a list of images of different sizes. uint8 means 0..255 and float means
0..1; everything else is refused.
Out: the images, known to be good: uint8 as it was, float as float32.
Next: the transforms, subclasses of :class:`BatchTransform`, and :class:`~lenetkit.transforms.Compose`.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.levels import INTEGER_ADVICE, range_advice
from lenetkit.exceptions import DataError

__all__ = [
    "Array",
    "BatchTransform",
    "Images",
    "apply_steps",
    "check_all_channels",
    "check_images",
    "chunks",
    "is_elementwise",
    "map_images",
]

Array: TypeAlias = npt.NDArray[Any]
Images: TypeAlias = Array | Sequence[Array]

# Pixel values handled at once: small enough for a processor's cache, large enough to hide what a call costs.
_CHUNK = 2**19

_MAX_CHANNELS = 4

_SHAPE = "(n, height, width) or (n, height, width, channels)"
_IMAGE_SHAPE = "(height, width) or (height, width, channels)"

_ADVICE = {
    "b": "Convert with .astype(np.uint8) * 255.",
    "i": INTEGER_ADVICE,
    "u": INTEGER_ADVICE,
    "O": "Pass images of different sizes as a list of arrays.",
    "c": "Take the real part or the magnitude first.",
}


def check_images(images: Images, *, channels: Collection[int] | None = None) -> Array | list[Array]:
    """Check that images are what every transform expects.

    Parameters
    ----------
    images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
        uint8 in [0, 255] or floating in [0, 1]. A memory map or a selection of a large data set, which reads on
        demand, stays as it is.
    channels : collection of int, optional
        How many channels an image with a channel axis may have; 1 to 4 unless told otherwise.

    Returns
    -------
    ndarray of shape (n, height, width[, channels]) or list of ndarray
        An array is returned as it came. A list of images of one size becomes an array, other lists a list; floating
        members are float32 then.

    Raises
    ------
    DataError
        If the images are empty or have no pixels, have another shape or type, lie outside their range (infinite and
        NaN included), or mix uint8 and float. The message names the first offending image and value.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import check_images
    >>> check_images(np.zeros((2, 28, 28), np.uint8)).shape
    (2, 28, 28)
    >>> check_images(np.zeros((28, 28), np.uint8))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.DataError: images must have shape (n, height, width) or (n, height, width, channels);
    got (28, 28). For a single image pass images[None].
    """
    if isinstance(images, list | tuple):
        return _check_list(images, channels)
    array = _as_array(images, "images")
    shape = tuple(array.shape)
    if len(shape) not in (3, 4):
        hint = " For a single image pass images[None]." if len(shape) == 2 else ""
        raise DataError(f"images must have shape {_SHAPE}; got {shape}.{hint}")
    if 0 in shape:
        missing = "no image" if shape[0] == 0 else "no pixels"
        raise DataError(f"images must hold at least one image of at least one pixel; got {missing}: shape {shape}.")
    _check_channels(shape[1:], channels, "images")
    _check_dtype(array.dtype, "images")
    if array.dtype.kind == "f":
        for part in chunks(array):
            _check_range(np.asarray(array[part]), part.start)
    return array


def map_images(
    function: Callable[[Array], Array],
    images: Images,
    *,
    channels: Collection[int] | None = None,
    unless: Callable[[tuple[int, ...], np.dtype[Any]], bool] = lambda *_: False,
) -> Array | list[Array]:
    """Carry a function on a batch over checked images.

    Parameters
    ----------
    function : callable
        Maps a batch (m, height, width[, channels]), uint8 or float32, to an array of m results of one shape. It treats
        each image by itself and leaves its input alone.
    images : array-like or list of arrays
        As in :func:`check_images`.
    channels : collection of int, optional
        As in :func:`check_images`.
    unless : callable
        Says by its shape (height, width[, channels]) and dtype whether an image is passed on without being copied.

    Returns
    -------
    ndarray of shape (n, ...) or list of ndarray
        An array where all results have one shape.

    Raises
    ------
    DataError
        As in :func:`check_images`.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import map_images
    >>> def mirror(batch):
    ...     return batch[:, :, ::-1]
    >>> map_images(mirror, np.array([[[1, 2, 3]]], np.uint8))
    array([[[3, 2, 1]]], dtype=uint8)
    """
    return _map_checked(function, check_images(images, channels=channels), unless)


class BatchTransform:
    """Base of this package's transforms: a function on a batch of images of one size, each image by itself.

    A subclass defines :meth:`_apply`, as `function` of :func:`map_images`, and may define :meth:`_passes`, as `unless`,
    and the channels that it allows.
    """

    __slots__ = ()
    _channels: ClassVar[Collection[int] | None] = None
    # The longest side that it looks at: larger pictures are halved first. None: it looks at every pixel.
    working_side: ClassVar[int | None] = None

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return the transformed images, as the class says.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        ndarray of shape (n, ...) or list of ndarray
            An array where all results have one shape.

        Raises
        ------
        DataError
            If the images are not that, or have other channels than the transform allows.
        NotFittedError
            If the transform learns and was not fitted.
        """
        return self._map(check_images(images, channels=self._channels))

    def _map(self, images: Array | list[Array]) -> Array | list[Array]:
        """Transform images that were checked."""
        return _map_checked(self._apply, images, self._passes)

    def _apply(self, batch: Array) -> Array:
        raise NotImplementedError

    def _passes(self, _shape: tuple[int, ...], _dtype: np.dtype[Any]) -> bool:
        return False

    def _pass_unchanged(self, image: Array) -> Array | None:
        """Return one image (1, height, width[, 1]) that stays as it is; None if it does not, or nobody can tell yet."""
        return image if self._passes(image.shape[1:], image.dtype) else None


def is_elementwise(step: Any) -> bool:
    """Tell if a transform treats each image by itself, in any thread; only this package's are known to."""
    # A subclass from elsewhere may call its images in a way of its own.
    return isinstance(step, BatchTransform) and type(step).__call__ is BatchTransform.__call__


def apply_steps(steps: Iterable[Any], images: Images, *, fit: bool = False, check_last: bool = False) -> Any:
    """Check images once and apply transforms one after the other.

    The result of a step that is no :class:`BatchTransform` is checked before the next one that is, and after the last
    step with `check_last`. With `fit` the steps that learn are fitted, each on the result of the steps before it.
    """
    result, checked = _as_pixels(check_images(images)), True
    for step in steps:
        own = is_elementwise(step)
        if own and not checked:
            result = _as_pixels(check_images(result))
        if fit and hasattr(step, "fit"):
            step.fit(result)
        if own and step._channels is not None:
            check_all_channels(result, step._channels)
        result = step._map(result) if own else step(result)
        checked = own
    return result if checked or not check_last else _as_pixels(check_images(result))


def _map_checked(
    function: Callable[[Array], Array],
    images: Array | list[Array],
    unless: Callable[[tuple[int, ...], np.dtype[Any]], bool],
) -> Array | list[Array]:
    if isinstance(images, list):
        return _join(
            [image if unless(image.shape, image.dtype) else function(image[np.newaxis])[0] for image in images]
        )
    return _as_pixels(images) if unless(tuple(images.shape[1:]), images.dtype) else _map_chunks(function, images)


def _as_pixels(images: Any) -> Any:
    """Return checked images as uint8 or float32; a list of them is that already."""
    if isinstance(images, list) or images.dtype in (np.uint8, np.float32):
        return images
    return _map_chunks(lambda batch: batch, images)


def _join(images: list[Array]) -> Array | list[Array]:
    """Stack images where all have one shape; leave the list alone otherwise."""
    if len(images) == 1:
        return images[0][np.newaxis]  # a large photo alone is not copied
    return np.stack(images) if len({image.shape for image in images}) == 1 else images


def chunks(images: Array, most: int = _CHUNK) -> Iterator[slice]:
    """Cut an array of images into slices of at most so many pixels, unless told otherwise such as fit a cache."""
    step, n = max(1, most // math.prod(images.shape[1:3])), len(images)
    return iter((slice(0, n),)) if n <= step else (slice(i, min(i + step, n)) for i in range(0, n, step))


def _map_chunks(function: Callable[[Array], Array], images: Array) -> Array:
    out: Array | None = None
    for part in chunks(images):
        batch = np.asarray(images[part])
        result = function(batch if batch.dtype == np.uint8 else batch.astype(np.float32, copy=False))
        if out is None:
            out = np.empty((len(images), *result.shape[1:]), result.dtype)
        out[part] = result
    assert out is not None  # noqa: S101 (check_images lets no empty array through)
    return out


def _check_list(images: Sequence[Array], channels: Collection[int] | None) -> Array | list[Array]:
    if not images:
        raise DataError("images must hold at least one image; got an empty list.")
    checked = [_check_image(image, index, channels) for index, image in enumerate(images)]
    for index, image in enumerate(checked):
        if image.dtype != checked[0].dtype:
            raise DataError(
                "images must be all uint8 or all float, since their ranges differ; "
                f"images[0] is {checked[0].dtype} and images[{index}] is {image.dtype}."
            )
    return _join(checked)


def _check_image(image: Array, index: int, channels: Collection[int] | None) -> Array:
    name = f"images[{index}]"
    array = np.asarray(_as_array(image, name))
    if array.ndim not in (2, 3):
        raise DataError(f"{name} must have shape {_IMAGE_SHAPE}; got {array.shape}.")
    if array.size == 0:
        raise DataError(f"{name} must hold at least one pixel; got shape {array.shape}.")
    _check_channels(array.shape, channels, name)
    _check_dtype(array.dtype, name)
    if array.dtype.kind == "f":
        _check_range(array[np.newaxis], index)
    return array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)


def _as_array(images: Any, name: str) -> Array:
    dtype, shape = getattr(images, "dtype", None), getattr(images, "shape", None)
    if isinstance(dtype, np.dtype) and isinstance(shape, tuple) and hasattr(images, "__getitem__"):
        return images  # type: ignore[no-any-return]
    if not hasattr(images, "__array__"):
        expected = "an array or a list of arrays" if name == "images" else "an array"
        raise DataError(f"{name} must be {expected}; got {type(images).__name__}.")
    try:
        return np.asarray(images)
    except Exception as error:
        raise DataError(f"{name} cannot be made an array: {type(error).__name__}: {error}.") from error


def check_all_channels(images: Array | list[Array], channels: Collection[int]) -> None:
    if isinstance(images, list):
        for index, image in enumerate(images):
            _check_channels(image.shape, channels, f"images[{index}]")
    else:
        _check_channels(tuple(images.shape[1:]), channels, "images")


def _check_channels(shape: tuple[int, ...], channels: Collection[int] | None, name: str) -> None:
    allowed = range(1, _MAX_CHANNELS + 1) if channels is None else channels
    if len(shape) == 2 or shape[2] in allowed:
        return
    hint = ""
    if shape[2] > _MAX_CHANNELS:
        hint = " The channels come last: see np.moveaxis."
    elif shape[2] in (2, 4):
        hint = " Lay transparent images on a background first; lenetkit.datasets.read_image does."
    expected = " or ".join(str(count) for count in allowed)
    raise DataError(f"{name} must have {expected} channels here; got {shape[2]} in images of shape {shape}.{hint}")


def _check_dtype(dtype: np.dtype[Any], name: str) -> None:
    if dtype == np.uint8 or dtype.kind == "f":
        return
    advice = _ADVICE.get(dtype.kind, "")
    raise DataError(f"{name} must be uint8 in 0..255 or float in 0..1; got {dtype}. {advice}".rstrip())


def _check_range(batch: Array, start: int) -> None:
    with np.errstate(invalid="ignore"):
        # A NaN makes both comparisons false.
        if batch.min() >= 0 and batch.max() <= 1:
            return
        bad = ~((batch >= 0) & (batch <= 1))
    first = int(np.argmax(bad.reshape(len(batch), -1).any(axis=1)))
    value = batch[first][bad[first]][0]
    # The range tells what they mean, wherever the first bad value stands.
    advice = range_advice(float(batch.min()), float(batch.max())) if np.isfinite(value) else ""
    raise DataError(f"float images must lie in 0..1; images[{start + first}] holds {value:g}. {advice}".rstrip())

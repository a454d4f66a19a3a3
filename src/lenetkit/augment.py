"""Random variations of training images, for ``Trainer(augmentation=...)``.

In: a batch of float32 images (n, height, width, channels) as a TensorFlow tensor, uint8 pixels brought to 0..1, and a
key: an int32 tensor (seed, step). Out: the batch, varied; the same key gives the same variations. Next: the model, in
the same compiled training step. Any callable of this kind will do. TensorFlow is imported when one is first used.

:class:`Shift` and :class:`Warp` move pixels; :class:`Stroke`, :class:`Noise` and :class:`Erase` change them, each
image in its own way, and expect bright ink on dark in 0..1. :class:`Compose` applies several::

    Trainer(augmentation=Compose([Warp(elastic=0.4), Stroke(), Noise(), Erase()]))
"""

import abc
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.validation import number, whole_number
from lenetkit.exceptions import SettingError

__all__ = ["Compose", "Erase", "Noise", "Shift", "Stroke", "Warp"]

# Patterns of noise per batch: drawing normal deviates is what costs (benchmarks/train.py).
_PATTERNS = 16


@attrs.frozen
class _Augmentation(abc.ABC):
    """Callable of images and a key; its subclasses say how the images, a tensor, vary."""

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch, varied; the same key gives the same variations."""
        require_library("augmentation", "tensorflow")
        import tensorflow as tf

        return self._vary(tf, tf.convert_to_tensor(images), key)

    @abc.abstractmethod
    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        """Return a tensor of the same shape."""


@attrs.frozen(kw_only=True)
class Shift(_Augmentation):
    """Move the whole batch by a few pixels, another way in every step: nearly free.

    Parameters
    ----------
    pixels : int, default 1
        Up to so many up or down, and left or right.

    Raises
    ------
    SettingError
        If a number is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Shift
    >>> images = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    >>> Shift(pixels=1)(images, (0, 7)).shape
    TensorShape([1, 3, 3, 1])
    """

    pixels: int = attrs.field(default=1, validator=whole_number(0))

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        offset = tf.random.stateless_uniform((2,), key, 0, 2 * self.pixels + 1, tf.int32)
        # A copy of a part of a wider image is several times as fast as looking up each pixel.
        wider = _beyond_the_border(tf, _beyond_the_border(tf, images, 1, self.pixels), 2, self.pixels)
        _, height, width, channels = images.shape
        moved = tf.slice(wider, tf.stack([0, offset[0], offset[1], 0]), [-1, height, width, channels])
        return tf.ensure_shape(moved, images.shape)


def _beyond_the_border(tf: Any, images: Any, axis: int, reach: int) -> Any:
    """Repeat the first and the last line along an axis `reach` times."""
    first, last = (tf.gather(images, [index], axis=axis) for index in (0, images.shape[axis] - 1))
    return tf.concat([first] * reach + [images] + [last] * reach, axis)


@attrs.frozen(kw_only=True)
class Warp(_Augmentation):
    """Turn, stretch, slant, move and bend images in one bilinear resampling.

    Images of a batch have a few warps in common, which are drawn anew in every step: that costs a fraction of one warp
    per image, and for training makes no measurable difference.

    Parameters
    ----------
    rotation : float, default 0.1
        Up to so many radians either way.
    scale : float, default 0.06
        Height and width change by up to this fraction, each by its own.
    shear : float, default 0.1
        Slant, as columns per row.
    shift : float, default 1.0
        Pixels either way.
    elastic : float, default 0.0
        Standard deviation of each pixel's displacement, in pixels (Simard, Steinkraus, Platt, ICDAR 2003, section 2).
    smoothness : float, default 4.0
        Standard deviation of the Gaussian that makes neighbouring displacements alike, in pixels.
    groups : int, default 8
        Warps per batch.

    Raises
    ------
    SettingError
        If a number is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Warp
    >>> Warp(elastic=0.4)(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    rotation: float = attrs.field(default=0.1, validator=number(0, 4))
    scale: float = attrs.field(default=0.06, validator=number(0, 0.9))
    shear: float = attrs.field(default=0.1, validator=number(0, 2))
    shift: float = attrs.field(default=1.0, validator=number(0, 1000))
    elastic: float = attrs.field(default=0.0, validator=number(0, 1000))
    smoothness: float = attrs.field(default=4.0, validator=number(0.1, 1000))
    groups: int = attrs.field(default=8, validator=whole_number(1))

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        _, height, width, channels = images.shape
        coordinates = self._get_coordinates(tf, height, width, key)
        n = tf.shape(images)[0]
        members = -(-n // self.groups)
        # A batch that does not divide into the groups is filled up with blanks. The batch comes last, so that what is
        # gathered lies together in memory.
        filled = tf.pad(images, [[0, members * self.groups - n], [0, 0], [0, 0], [0, 0]])
        grouped = tf.reshape(filled, (self.groups, members, height * width, channels))
        pixels = tf.reshape(tf.transpose(grouped, (0, 2, 1, 3)), (self.groups, height * width, members * channels))
        warped = tf.reshape(_bilinear(tf, pixels, coordinates, height, width), (self.groups, -1, members, channels))
        return tf.reshape(tf.transpose(warped, (0, 2, 1, 3)), (-1, height, width, channels))[:n]

    def _get_coordinates(self, tf: Any, height: int, width: int, key: Any) -> Any:
        """Return the row and column that each pixel is read from: (groups, 2, height * width)."""
        rows, columns = (np.arange(size) - (size - 1) / 2 for size in (height, width))
        grid = np.stack([np.repeat(rows, width), np.tile(columns, height), np.ones(height * width)])
        centre = np.array([[[(height - 1) / 2], [(width - 1) / 2]]], np.float32)
        draws = tf.random.stateless_uniform((self.groups, 6), key, -1.0, 1.0)
        angle = self.rotation * draws[:, 0]
        tall, wide = 1 + self.scale * draws[:, 1], 1 + self.scale * draws[:, 2]
        cosine, sine = tf.cos(angle), tf.sin(angle)
        matrices = tf.stack(
            [
                cosine * tall,
                -sine * wide,
                self.shift * draws[:, 4],
                sine * tall + self.shear * draws[:, 3],
                cosine * wide,
                self.shift * draws[:, 5],
            ],
            axis=1,
        )
        coordinates = tf.reshape(tf.reshape(matrices, (-1, 3)) @ grid.astype(np.float32), (self.groups, 2, -1)) + centre
        if self.elastic:
            key = tf.random.experimental.stateless_fold_in(key, 1)
            noise = tf.random.stateless_normal((self.groups * 2, height, width), key)
            smooth = _smoothing(height, self.smoothness) @ noise @ _smoothing(width, self.smoothness).T
            coordinates += self.elastic * tf.reshape(smooth, (self.groups, 2, -1))
        return coordinates


def _smoothing(size: int, width: float) -> Any:
    """Return a matrix that smooths noise along one axis and leaves its standard deviation as it is."""
    distance = np.arange(size)[:, None] - np.arange(size)
    kernel = np.exp(-0.5 * (distance / width) ** 2)
    return (kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True))).astype(np.float32)


def _bilinear(tf: Any, pixels: Any, coordinates: Any, height: int, width: int) -> Any:
    """Interpolate (groups, height * width, m) at `coordinates`, those beyond the border brought back to it."""
    row = tf.clip_by_value(coordinates[:, 0], 0.0, height - 1.0)
    column = tf.clip_by_value(coordinates[:, 1], 0.0, width - 1.0)
    top, left = tf.minimum(tf.floor(row), height - 2.0), tf.minimum(tf.floor(column), width - 2.0)
    down, right = (row - top)[..., None], (column - left)[..., None]
    corner = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32)
    upper_left, upper_right, lower_left, lower_right = (
        tf.gather(pixels, corner + step, batch_dims=1) for step in (0, 1, width, width + 1)
    )
    upper = upper_left + right * (upper_right - upper_left)
    lower = lower_left + right * (lower_right - lower_left)
    return upper + down * (lower - upper)


def _as_steps(steps: Any) -> tuple[Callable[[Any, Any], Any], ...]:
    given = tuple(steps) if isinstance(steps, Iterable) else (steps,)
    for step in given:
        if not callable(step):
            raise SettingError(
                f"Compose takes callables of images and a key; got {step!r}. "
                "Put them into one list: Compose([Warp(), Noise()])."
            )
    return given


@attrs.frozen
class Compose(_Augmentation):
    """Apply several augmentations, one after the other.

    Parameters
    ----------
    steps : sequence of callable
        Each is ``augmentation(images, key) -> images``. Every step draws from a key of its own, made of the trainer's
        and its index.

    Raises
    ------
    SettingError
        If a step cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Compose, Erase, Noise, Stroke, Warp
    >>> vary = Compose([Warp(elastic=0.4), Stroke(), Noise(), Erase()])
    >>> vary(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    steps: tuple[Callable[[Any, Any], Any], ...] = attrs.field(default=(), converter=_as_steps)

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        for index, step in enumerate(self.steps):
            images = step(images, tf.random.experimental.stateless_fold_in(key, index))
        return images


@attrs.frozen(kw_only=True)
class Stroke(_Augmentation):
    """Widen or narrow the strokes of each image, as another pen would.

    A widened pixel is the brightest of itself and its four neighbours, a narrowed one the darkest; the image goes a
    part of the way there.

    Parameters
    ----------
    widen : float, default 0.6
        Strokes grow by up to so many pixels on either side, 0 to 1.
    narrow : float, default 0.4
        Or shrink by up to so many pixels on either side, 0 to 1.

    Raises
    ------
    SettingError
        If a number is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Stroke
    >>> Stroke()(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    widen: float = attrs.field(default=0.6, validator=number(0, 1))
    narrow: float = attrs.field(default=0.4, validator=number(0, 1))

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        growth = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), key, -self.narrow, self.widen)
        brightest, darkest = _extreme(tf, tf.maximum, images), _extreme(tf, tf.minimum, images)
        return images + tf.maximum(growth, 0.0) * (brightest - images) + tf.minimum(growth, 0.0) * (images - darkest)


def _extreme(tf: Any, extreme: Callable[[Any, Any], Any], images: Any) -> Any:
    """Return the extreme of each pixel and its four neighbours; there is nothing beyond the border."""
    wider = _beyond_the_border(tf, _beyond_the_border(tf, images, 1, 1), 2, 1)
    rows, columns = wider[:, :, 1:-1], wider[:, 1:-1]
    vertical, horizontal = extreme(rows[:, 2:], rows[:, :-2]), extreme(columns[:, :, 2:], columns[:, :, :-2])
    return extreme(extreme(images, vertical), horizontal)


@attrs.frozen(kw_only=True)
class Noise(_Augmentation):
    """Add what a scan or a photo adds: grey noise, and remains of lines and of neighbouring strokes.

    Images of a batch have a few patterns of noise in common, drawn anew in every step, each in a strength of its own.

    Parameters
    ----------
    deviation : float, default 0.1
        The standard deviation of an image's noise is drawn between 0 and this, in units of white; 0 to 1.
    remains : float, default 0.1
        Fraction of the images in which a piece of a straight stroke is left, between the middle and the border.
    share : float, default 0.5
        Fraction of the images that get noise.

    Raises
    ------
    SettingError
        If a number is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Noise
    >>> Noise()(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    deviation: float = attrs.field(default=0.1, validator=number(0, 1))
    remains: float = attrs.field(default=0.1, validator=number(0, 1))
    share: float = attrs.field(default=0.5, validator=number(0, 1))

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        draws = tf.random.stateless_uniform((tf.shape(images)[0], 9), key)[..., None, None, None]
        if self.remains:
            images = tf.maximum(images, self._strokes(tf, images.shape, draws))
        if self.deviation and self.share:
            noise_key = tf.random.experimental.stateless_fold_in(key, 1)
            strength = self.deviation * draws[:, 5] * tf.cast(draws[:, 7] < self.share, tf.float32)
            patterns = tf.random.stateless_normal((_PATTERNS, *images.shape[1:]), noise_key)
            images += strength * tf.gather(patterns, tf.cast(_PATTERNS * draws[:, 8, 0, 0, 0], tf.int32))
        return tf.clip_by_value(images, 0.0, 1.0)

    def _strokes(self, tf: Any, shape: Any, draws: Any) -> Any:
        """Return a piece of a straight stroke for some images, black for the others: (n, height, width, 1)."""
        _, height, width, _ = shape
        angle = 2 * np.pi * draws[:, 0]
        y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[None, :, None, None]
        x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, None, :, None]
        # Across the stroke, from the middle outwards, and along it.
        half = min(height, width) / 2
        across = y * tf.sin(angle) + x * tf.cos(angle) - half * (0.5 + 0.5 * draws[:, 1])
        along = x * tf.sin(angle) - y * tf.cos(angle) - half * (2 * draws[:, 2] - 1)
        long, wide = half * (0.2 + 0.8 * draws[:, 3]), 0.5 + draws[:, 4]
        ink = tf.clip_by_value(wide - tf.abs(across), 0.0, 1.0) * tf.clip_by_value(long - tf.abs(along), 0.0, 1.0)
        # Draws below the fraction are uniform too, so that one draw decides on the stroke and on its darkness.
        level = tf.clip_by_value(1 - draws[:, 6] / max(self.remains, 1e-6), 0.0, 1.0)
        return ink * tf.sqrt(level)


@attrs.frozen(kw_only=True)
class Erase(_Augmentation):
    """Paint over a rectangle somewhere in some of the images, so that no part of a digit alone decides.

    Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang, "Random Erasing Data Augmentation", AAAI 2020; with the background in
    place of noise, as where a stroke is broken or rubbed out.

    Parameters
    ----------
    size : float, default 0.3
        Height and width of the rectangle are each drawn between 0 and this fraction of the image's.
    share : float, default 0.25
        Fraction of the images.
    level : float, default 0.0
        Level of the paint, 0 (MNIST's background) to 1.

    Raises
    ------
    SettingError
        If a number is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.augment import Erase
    >>> Erase()(np.ones((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    size: float = attrs.field(default=0.3, validator=number(0, 1))
    share: float = attrs.field(default=0.25, validator=number(0, 1))
    level: float = attrs.field(default=0.0, validator=number(0, 1))

    def _vary(self, tf: Any, images: Any, key: Any) -> Any:
        draws = tf.random.stateless_uniform((tf.shape(images)[0], 5), key)[..., None, None, None]
        y = ((np.arange(images.shape[1], dtype=np.float32) + 0.5) / images.shape[1])[None, :, None, None]
        x = ((np.arange(images.shape[2], dtype=np.float32) + 0.5) / images.shape[2])[None, None, :, None]
        half_height, half_width = self.size * draws[:, 0] / 2, self.size * draws[:, 1] / 2
        covered = (tf.abs(y - draws[:, 2]) < half_height) & (tf.abs(x - draws[:, 3]) < half_width)
        return tf.where(covered & (draws[:, 4] < self.share), tf.constant(self.level, tf.float32), images)

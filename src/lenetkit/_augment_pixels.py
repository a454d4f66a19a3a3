"""Random variations of the pixels of training images; public as ``lenetkit.transforms.augment``.

In: a batch of float32 images (n, height, width, channels) as a TensorFlow tensor, in 0..1 with bright ink on dark, and
a key: an int32 tensor (seed, step). Out: the batch, varied, in 0..1; the same key gives the same variations. Next:
:class:`lenetkit.trainer.Trainer`, by itself or in a :class:`Compose` with those of :mod:`lenetkit.augmentation`.

Every image is varied by itself. TensorFlow is imported when an augmentation is first used.
"""

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np

from lenetkit._validators import number
from lenetkit.exceptions import SettingError

__all__ = ["Compose", "Erase", "Noise", "Stroke"]

# Patterns of noise per batch: drawing normal deviates is what costs.
_PATTERNS = 16


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
class Compose:
    """Apply several augmentations, one after the other.

    Parameters
    ----------
    steps : sequence of callable
        Each is ``augmentation(images, key) -> images``. Every step draws from a key of its own, made of the trainer's
        and its place.

    Raises
    ------
    SettingError
        If a step cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Compose, Erase, Noise, Stroke, Warp
    >>> vary = Compose([Warp(elastic=0.4), Stroke(), Noise(), Erase()])
    >>> vary(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    steps: tuple[Callable[[Any, Any], Any], ...] = attrs.field(default=(), converter=_as_steps)

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch after all steps.

        Parameters
        ----------
        images : tensor of shape (n, height, width, channels)
            float32.
        key : tensor of shape (2,)
            int32 (seed, step).

        Returns
        -------
        tensor of shape (n, height, width, channels)
            float32.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        for place, step in enumerate(self.steps):
            images = step(images, tf.random.experimental.stateless_fold_in(key, place))
        return images


@attrs.frozen(kw_only=True)
class Stroke:
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
        If a number cannot be meant.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Stroke
    >>> Stroke()(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    widen: float = attrs.field(default=0.6, validator=number(0, 1))
    narrow: float = attrs.field(default=0.4, validator=number(0, 1))

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch in other pens.

        Parameters
        ----------
        images : tensor of shape (n, height, width, channels)
            float32.
        key : tensor of shape (2,)
            int32 (seed, step).

        Returns
        -------
        tensor of shape (n, height, width, channels)
            float32.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        growth = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), key, -self.narrow, self.widen)
        brightest, darkest = _extreme(tf, tf.maximum, images), _extreme(tf, tf.minimum, images)
        return images + tf.maximum(growth, 0.0) * (brightest - images) + tf.minimum(growth, 0.0) * (images - darkest)


def _extreme(tf: Any, extreme: Callable[[Any, Any], Any], images: Any) -> Any:
    """Return the extreme of each pixel and its four neighbours; there is nothing beyond the border."""
    out = images
    for axis in (1, 2):
        first, last = ([slice(None)] * 4 for _ in range(2))
        first[axis], last[axis] = slice(None, 1), slice(-1, None)
        inner = [slice(None)] * 4
        inner[axis] = slice(1, None)
        before = tf.concat([images[tuple(inner)], images[tuple(last)]], axis)
        inner[axis] = slice(None, -1)
        after = tf.concat([images[tuple(first)], images[tuple(inner)]], axis)
        out = extreme(out, extreme(before, after))
    return out


@attrs.frozen(kw_only=True)
class Noise:
    """Add what a scan or a photo adds: grey noise, and remains of lines and of neighbouring strokes.

    Images of a batch share a few patterns of noise, each in a strength of its own; they are drawn anew in every step.

    Parameters
    ----------
    deviation : float, default 0.1
        The standard deviation of an image's noise is drawn between 0 and this, in units of white; 0 to 1.
    remains : float, default 0.1
        Share of the images in which a piece of a straight stroke is left, between the middle and the border.
    share : float, default 0.5
        Share of the images that get noise.

    Raises
    ------
    SettingError
        If a number cannot be meant.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Noise
    >>> Noise()(np.zeros((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    deviation: float = attrs.field(default=0.1, validator=number(0, 1))
    remains: float = attrs.field(default=0.1, validator=number(0, 1))
    share: float = attrs.field(default=0.5, validator=number(0, 1))

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch with noise.

        Parameters
        ----------
        images : tensor of shape (n, height, width, channels)
            float32 in [0, 1].
        key : tensor of shape (2,)
            int32 (seed, step).

        Returns
        -------
        tensor of shape (n, height, width, channels)
            float32 in [0, 1].
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        n = tf.shape(images)[0]
        draws = tf.random.stateless_uniform((n, 9), key)[..., None, None, None]
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
        height, width = shape[1], shape[2]
        angle = 2 * np.pi * draws[:, 0]
        y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[None, :, None, None]
        x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, None, :, None]
        # Across the stroke, from the middle outwards, and along it.
        half = min(height, width) / 2
        across = y * tf.sin(angle) + x * tf.cos(angle) - half * (0.5 + 0.5 * draws[:, 1])
        along = x * tf.sin(angle) - y * tf.cos(angle) - half * (2 * draws[:, 2] - 1)
        long, wide = half * (0.2 + 0.8 * draws[:, 3]), 0.5 + draws[:, 4]
        ink = tf.clip_by_value(wide - tf.abs(across), 0.0, 1.0) * tf.clip_by_value(long - tf.abs(along), 0.0, 1.0)
        # What is below the share is spread evenly too, so that one draw decides whether and how dark.
        level = tf.clip_by_value(1 - draws[:, 6] / max(self.remains, 1e-6), 0.0, 1.0)
        return ink * tf.sqrt(level)


@attrs.frozen(kw_only=True)
class Erase:
    """Paint over a rectangle somewhere in some of the images, so that no part of a digit alone decides.

    Z. Zhong, L. Zheng, G. Kang, S. Li, Y. Yang, "Random Erasing Data Augmentation", AAAI 2020; with the background in
    place of noise, as where a stroke is broken or rubbed out.

    Parameters
    ----------
    size : float, default 0.3
        Height and width of the rectangle are each drawn between 0 and this share of the image's.
    share : float, default 0.25
        Share of the images.
    level : float, default 0.0
        What is painted, 0 (MNIST's background) to 1.

    Raises
    ------
    SettingError
        If a number cannot be meant.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Erase
    >>> Erase()(np.ones((5, 28, 28, 1), np.float32), (0, 7)).shape
    TensorShape([5, 28, 28, 1])
    """

    size: float = attrs.field(default=0.3, validator=number(0, 1))
    share: float = attrs.field(default=0.25, validator=number(0, 1))
    level: float = attrs.field(default=0.0, validator=number(0, 1))

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch, partly painted over.

        Parameters
        ----------
        images : tensor of shape (n, height, width, channels)
            float32.
        key : tensor of shape (2,)
            int32 (seed, step).

        Returns
        -------
        tensor of shape (n, height, width, channels)
            float32.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        draws = tf.random.stateless_uniform((tf.shape(images)[0], 5), key)[..., None, None, None]
        y = ((np.arange(images.shape[1], dtype=np.float32) + 0.5) / images.shape[1])[None, :, None, None]
        x = ((np.arange(images.shape[2], dtype=np.float32) + 0.5) / images.shape[2])[None, None, :, None]
        half_height, half_width = self.size * draws[:, 0] / 2, self.size * draws[:, 1] / 2
        covered = (tf.abs(y - draws[:, 2]) < half_height) & (tf.abs(x - draws[:, 3]) < half_width)
        return tf.where(covered & (draws[:, 4] < self.share), tf.constant(self.level, tf.float32), images)

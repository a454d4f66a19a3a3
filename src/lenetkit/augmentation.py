"""Random variations of training images, made inside the training step; public as ``lenetkit.transforms.augment``.

In: a batch of float32 images (n, height, width, channels) as a TensorFlow tensor, and a key: an int32 tensor (seed,
step). Out: the batch, varied; the same key gives the same variations. Next: :class:`lenetkit.trainer.Trainer` takes
one of these, or any callable of this kind, as ``augmentation``.

Pixels beyond the border are those of the border, so that any background goes on. TensorFlow is imported when an
augmentation is first used.
"""

from typing import Any

import attrs
import numpy as np

from lenetkit._validators import number, whole_number

__all__ = ["Shift", "Warp"]


@attrs.frozen(kw_only=True)
class Shift:
    """Move the whole batch by a few pixels, another way in every step: nearly free.

    Parameters
    ----------
    pixels : int, default 1
        Up to so many up or down, and left or right.

    Raises
    ------
    SettingError
        If `pixels` is not a whole number of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Shift
    >>> images = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    >>> Shift(pixels=1)(images, (0, 7)).shape
    TensorShape([1, 3, 3, 1])
    """

    pixels: int = attrs.field(default=1, validator=whole_number(0))

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch, moved.

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
        reach = self.pixels
        offset = tf.random.stateless_uniform((2,), key, 0, 2 * reach + 1, tf.int32)
        # A copy of a part of a wider image is several times as fast as looking up each pixel.
        wider = _beyond_the_border(tf, _beyond_the_border(tf, images, 1, reach), 2, reach)
        _, height, width, channels = images.shape
        moved = tf.slice(wider, tf.stack([0, offset[0], offset[1], 0]), [-1, height, width, channels])
        return tf.ensure_shape(moved, images.shape)


def _beyond_the_border(tf: Any, images: Any, axis: int, reach: int) -> Any:
    """Repeat the first and the last line along an axis `reach` times."""
    first, last = (tf.gather(images, [place], axis=axis) for place in (0, images.shape[axis] - 1))
    return tf.concat([first] * reach + [images] + [last] * reach, axis)


@attrs.frozen(kw_only=True)
class Warp:
    """Turn, stretch, slant, move and bend images in one bilinear resampling.

    Images of a batch share a few warps, which are drawn anew in every step: that costs a fraction of one warp per
    image, and for training makes no measurable difference.

    Parameters
    ----------
    rotation : float, default 0.1
        Up to so many radians either way.
    scale : float, default 0.06
        Height and width change by up to this share, each by its own.
    shear : float, default 0.1
        Slant, as columns per row.
    shift : float, default 1.0
        Pixels either way.
    elastic : float, default 0.0
        Deviation of the displacement of each pixel, in pixels; Simard, Steinkraus and Platt (ICDAR 2003), section 2.
    smoothness : float, default 4.0
        Deviation of the Gaussian that makes neighbouring displacements alike, in pixels.
    groups : int, default 8
        Warps per batch.

    Raises
    ------
    SettingError
        If a number cannot be meant.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms.augment import Warp
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

    def __call__(self, images: Any, key: Any) -> Any:
        """Return the batch, warped.

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
        _, height, width, channels = images.shape
        places = self._places(tf, height, width, key)
        n = tf.shape(images)[0]
        members = -(-n // self.groups)
        # A batch that does not divide into the groups is filled up with blanks. The batch comes last, so that what is
        # gathered lies together in memory.
        filled = tf.pad(images, [[0, members * self.groups - n], [0, 0], [0, 0], [0, 0]])
        grouped = tf.reshape(filled, (self.groups, members, height * width, channels))
        pixels = tf.reshape(tf.transpose(grouped, (0, 2, 1, 3)), (self.groups, height * width, members * channels))
        warped = tf.reshape(_bilinear(tf, pixels, places, height, width), (self.groups, -1, members, channels))
        return tf.reshape(tf.transpose(warped, (0, 2, 1, 3)), (-1, height, width, channels))[:n]

    def _places(self, tf: Any, height: int, width: int, key: Any) -> Any:
        """Return from where each pixel is taken: (groups, 2, height * width), rows and columns."""
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
        places = tf.reshape(tf.reshape(matrices, (-1, 3)) @ grid.astype(np.float32), (self.groups, 2, -1)) + centre
        if self.elastic:
            key = tf.random.experimental.stateless_fold_in(key, 1)
            noise = tf.random.stateless_normal((self.groups * 2, height, width), key)
            smooth = _smoothing(height, self.smoothness) @ noise @ _smoothing(width, self.smoothness).T
            places += self.elastic * tf.reshape(smooth, (self.groups, 2, -1))
        return places


def _smoothing(size: int, deviation: float) -> Any:
    """Return a matrix that smooths noise along one axis and leaves its deviation as it is."""
    distance = np.arange(size)[:, None] - np.arange(size)
    kernel = np.exp(-0.5 * (distance / deviation) ** 2)
    return (kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True))).astype(np.float32)


def _bilinear(tf: Any, pixels: Any, places: Any, height: int, width: int) -> Any:
    """Interpolate (groups, height * width, m) at `places`, those beyond the border brought back to it."""
    row = tf.clip_by_value(places[:, 0], 0.0, height - 1.0)
    column = tf.clip_by_value(places[:, 1], 0.0, width - 1.0)
    top, left = tf.minimum(tf.floor(row), height - 2.0), tf.minimum(tf.floor(column), width - 2.0)
    down, right = (row - top)[..., None], (column - left)[..., None]
    corner = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32)
    upper_left, upper_right, lower_left, lower_right = (
        tf.gather(pixels, corner + step, batch_dims=1) for step in (0, 1, width, width + 1)
    )
    upper = upper_left + right * (upper_right - upper_left)
    lower = lower_left + right * (lower_right - lower_left)
    return upper + down * (lower - upper)

"""Several transforms as one."""

from collections.abc import Iterable
from typing import Any, Self

import attrs

from lenetkit.exceptions import SettingError
from lenetkit.transforms._base import AffineTransform, Transform, register_transform
from lenetkit.transforms._pixels import Array, Images, map_images

__all__ = ["Compose"]


def _as_steps(steps: Any) -> tuple[Transform, ...]:
    if not isinstance(steps, Iterable) or isinstance(steps, str):
        raise SettingError(f"Compose: steps must be a list of transforms; got {steps!r}.")
    callables: tuple[Transform, ...] = tuple(steps)
    for index, step in enumerate(callables):
        if isinstance(step, type):
            raise SettingError(
                f"Compose: steps[{index}] must be a transform, not a class; got {step.__name__}. "
                f"Did you mean {step.__name__}()?"
            )
        if not callable(step):
            raise SettingError(
                f"Compose: steps[{index}] must be a transform, something that is called with images; got {step!r}. "
                "For a name there is create_transform(name)."
            )
    return callables


@register_transform("compose")
@attrs.frozen
class Compose:
    """Apply transforms one after the other.

    Parameters
    ----------
    steps : sequence of Transform
        Any callables on images, in their order; none at all leaves images as they are. Stored as a tuple.

    Raises
    ------
    SettingError
        If a step can't be called, or is a class rather than an instance.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Compose, Grayscale, Rescale, Resize
    >>> prepare = Compose([Grayscale(), Resize((28, 28)), Rescale()])
    >>> images = prepare([np.zeros((100, 80, 3), np.uint8), np.zeros((16, 16), np.uint8)])
    >>> images.shape, images.dtype
    ((2, 28, 28), dtype('float32'))

    What comes before the last affine map leaves uint8 as uint8, a quarter of the memory:

    >>> head, tail = prepare.split_affine()
    >>> tail
    Rescale()
    >>> head(np.zeros((2, 28, 28), np.uint8)).dtype
    dtype('uint8')
    """

    steps: tuple[Transform, ...] = attrs.field(default=(), converter=_as_steps)

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return what the last step makes of the images.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        ndarray or list of ndarray
            As the last step says.

        Raises
        ------
        DataError
            If the images are not that, or a step can't take what the step before it made.
        NotFittedError
            If a step that learns was not fitted.
        """
        result = _checked(images)
        for step in self.steps:
            result = step(result)
        return result

    def fit(self, images: Images, /) -> Self:
        """Fit the steps that learn, each on what the steps before it make of the images.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            Training images, uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        Compose
            Itself. The steps are fitted in place, as in scikit-learn's Pipeline.

        Raises
        ------
        DataError
            If the images are not that, or a step can't learn from them.
        """
        steps = _flatten(self.steps)
        learners = [index for index, step in enumerate(steps) if hasattr(step, "fit")]
        result = _checked(images)
        for index, step in enumerate(steps[: max(learners, default=-1) + 1]):
            if hasattr(step, "fit"):
                step.fit(result)
            if index < learners[-1]:
                result = step(result)
        return self

    def split_affine(self) -> tuple["Compose", AffineTransform | None]:
        """Take off the last step if it only maps pixel values, so that a trainer can do it inside its graph.

        Returns
        -------
        head : Compose
            All steps, those of nested Composes included, without the tail.
        tail : AffineTransform or None
            The last step, if it is affine. ``self(images)`` is, bit for bit,
            ``head(images).astype(float32) * scale + offset`` with ``scale, offset = tail.affine(head(images).dtype)``.
        """
        steps = _flatten(self.steps)
        if steps and isinstance(steps[-1], AffineTransform):
            return Compose(steps[:-1]), steps[-1]
        return Compose(steps), None


def _checked(images: Images) -> Array | list[Array]:
    """Return the images, floating ones as float32."""
    return map_images(lambda batch: batch, images, unless=lambda *_: True)


def _flatten(steps: Iterable[Transform]) -> tuple[Transform, ...]:
    flat: list[Transform] = []
    for step in steps:
        flat.extend(_flatten(step.steps) if isinstance(step, Compose) else [step])
    return tuple(flat)

"""Several transforms as one."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, SettingError
from lenetkit.transforms._base import Affine, AffineTransform, Transform, register_transform
from lenetkit.transforms._looks import Looks, first_looks
from lenetkit.transforms._pixels import Array, BatchTransform, Images, apply_steps, is_elementwise
from lenetkit.transforms._saving import describe_transform
from lenetkit.transforms.mnist_normalize import MnistNormalize

__all__ = ["Compose", "Prepared"]


@attrs.frozen(eq=False)
class Prepared:
    """Images after all transforms but a trailing affine one, with that one's scale and offset.

    Parameters
    ----------
    images : ndarray of shape (n, height, width[, channels])
        uint8 in [0, 255] or floating in [0, 1], of one size.
    scale, offset : ndarray of shape () or (n_channels,)
        float32; 1 and 0 where no affine transform comes last.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Compose, Invert, Rescale
    >>> prepared = Compose([Invert(), Rescale()]).prepare(np.array([[[0, 255]]], np.uint8))
    >>> prepared.images
    array([[[255,   0]]], dtype=uint8)
    >>> prepared.apply_affine()
    array([[[1., 0.]]], dtype=float32)
    """

    images: Array
    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]

    def apply_affine(self) -> npt.NDArray[np.float32]:
        """Return ``images.astype(float32) * scale + offset``: what the whole composition makes of the images."""
        return Affine(self.scale, self.offset).apply(np.asarray(self.images))


def _as_steps(steps: Any) -> tuple[Transform, ...]:
    if not isinstance(steps, Iterable) or isinstance(steps, (str, Mapping, Set)):
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

    The steps before the last affine map leave uint8 as uint8, a quarter of the memory:

    >>> head, tail = prepare.split_affine()
    >>> tail
    Rescale()
    >>> head(np.zeros((2, 28, 28), np.uint8)).dtype
    dtype('uint8')
    """

    steps: tuple[Transform, ...] = attrs.field(default=(), converter=_as_steps)
    # All steps, those of nested Composes included, but a trailing affine one; and that one.
    _head: tuple[Transform, ...] = attrs.field(init=False, repr=False, eq=False)
    _tail: AffineTransform | None = attrs.field(init=False, repr=False, eq=False)
    # The last of these, if it takes second looks.
    _looks_twice: MnistNormalize | None = attrs.field(init=False, repr=False, eq=False)
    _affine: dict[np.dtype[Any], Affine] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        flat: list[Transform] = []
        for step in self.steps:
            flat.extend(step._flat() if type(step) is Compose else [step])
        tail = flat.pop() if flat and isinstance(flat[-1], AffineTransform) else None
        object.__setattr__(self, "_head", tuple(flat))
        object.__setattr__(self, "_tail", tail)
        last = flat[-1] if flat else None
        object.__setattr__(self, "_looks_twice", last if type(last) is MnistNormalize else None)

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return what the last step makes of the images; errors are those of :meth:`prepare`, but shapes may differ."""
        result: Array | list[Array] = apply_steps(self._flat(), images)
        return result

    def fit(self, images: Images, /) -> Self:
        """Fit the steps that learn, each on what the steps before it make of the images.

        Returns
        -------
        Compose
            Itself. The steps are fitted in place, as in scikit-learn's Pipeline.

        Raises
        ------
        DataError
            If the images are not that, or a step can't learn from them.
        """
        steps: tuple[Any, ...] = self._flat()
        last = max((index for index, step in enumerate(steps) if hasattr(step, "fit")), default=-1)
        result = apply_steps(steps[: max(last, 0)], images, fit=True)
        if last >= 0:
            steps[last].fit(result)
        return self

    def prepare(self, images: Images, /) -> Prepared:
        """Apply all steps but a trailing affine one, and return that one's scale and offset for the result.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        Prepared
            One array of images, scale and offset.

        Raises
        ------
        DataError
            If the images are not that, a step can't use what the step before it made, or the results differ in shape.
        NotFittedError
            If a step that learns was not fitted.
        """
        return self._prepared(apply_steps(self._head, images, check_last=self._tail is not None))

    def look(self, images: Images, /, measure: Callable[[Array], Array] | None = None) -> Looks:
        """Return the images that :meth:`prepare` does, and second looks at them where the last of its steps takes any.

        `measure` is that of :meth:`MnistNormalize.look <lenetkit.transforms.MnistNormalize.look>`.

        Raises
        ------
        DataError, NotFittedError
            As :meth:`prepare` does.
        """
        if self._looks_twice is None:
            return first_looks(self.prepare(images).images)
        return self._looks_twice.look_at(apply_steps(self._head[:-1], images), measure)

    def pass_unchanged(self, image: Array) -> Array | None:
        """Return one image that no step but a trailing affine one changes, in a few microseconds; None for others.

        Parameters
        ----------
        image : ndarray of shape (1, height, width[, 1])
            uint8.

        Returns
        -------
        ndarray or None
            The same pixels, perhaps without the last axis: what :meth:`prepare` gives. None where a step changes them
            or takes a closer look; :meth:`look` does all of that.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.transforms import Compose, Grayscale, Rescale, Resize
        >>> prepare = Compose([Grayscale(), Resize((28, 28)), Rescale()])
        >>> prepare.pass_unchanged(np.zeros((1, 28, 28, 1), np.uint8)).shape
        (1, 28, 28)
        >>> prepare.pass_unchanged(np.zeros((1, 30, 30), np.uint8)) is None
        True
        """
        for step in self._head:
            same = step._pass_unchanged(image) if isinstance(step, BatchTransform) and is_elementwise(step) else None
            if same is None:
                return None
            image = same
        return image

    def look_at_each(self, images: list[Array], measure: Callable[[Array], Array] | None = None) -> list[Looks]:
        """Return what :meth:`look` does, for each image alone: they may differ in shape before :meth:`join`."""
        if self._looks_twice is not None:
            return self.look(images, measure).split()
        return [first_looks(image[np.newaxis]) for image in self.split_affine()[0](images)]

    def join(self, looks: list[Looks]) -> Looks:
        """Return the looks at all images.

        Raises
        ------
        DataError
            If they differ in shape.
        """
        self._check_shapes([look.images[0] for look in looks])
        return Looks.join(looks)

    def fit_prepare(self, images: Images, /) -> Prepared:
        """Fit the steps that learn and prepare the same images: :meth:`fit` and then :meth:`prepare`, in one pass."""
        result = apply_steps(self._head, images, fit=True, check_last=self._tail is not None)
        tail: Any = self._tail
        if hasattr(tail, "fit"):
            tail.fit(result)
        return self._prepared(result)

    def describe_steps(self) -> list[dict[str, Any]]:
        """Return the descriptions of all steps; see :func:`lenetkit.transforms.describe_transform`."""
        return [describe_transform(step) for step in self.steps]

    @property
    def working_side(self) -> int | None:
        """The longest side that the first step looks at: larger pictures may come halved. None: no such limit."""
        return getattr(self._head[0], "working_side", None) if self._head and is_elementwise(self._head[0]) else None

    @property
    def elementwise(self) -> bool:
        """True if every step but a trailing affine one treats each image by itself, in any thread."""
        return all(map(is_elementwise, self._head))

    def get_affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return scale and offset of a trailing affine step for prepared images of this type; 1 and 0 without one."""
        if self._tail is None:
            return Affine(np.ones((), np.float32), np.zeros((), np.float32))
        if hasattr(self._tail, "fit"):
            return self._tail.affine(dtype)
        dtype = np.dtype(dtype)
        if dtype not in self._affine:
            self._affine[dtype] = self._tail.affine(dtype)
        return self._affine[dtype]

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
        return Compose(self._head), self._tail

    def _flat(self) -> tuple[Transform, ...]:
        return self._head if self._tail is None else (*self._head, self._tail)

    def _prepared(self, images: Array | list[Array]) -> Prepared:
        if isinstance(images, list):
            self._check_shapes(images)
            images = np.stack(images)
        return Prepared(images, *self.get_affine(images.dtype))

    @staticmethod
    def _check_shapes(images: list[Array]) -> None:
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise DataError(
                f"after the transforms all images must have one shape; got {', '.join(map(str, shapes[:4]))}. "
                "Add lenetkit.transforms.Resize."
            )

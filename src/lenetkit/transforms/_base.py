"""Protocols of transforms, and the registry of those that have a name."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.names import did_you_mean
from lenetkit.exceptions import SettingError
from lenetkit.registry import Registry
from lenetkit.transforms._pixels import Array, BatchTransform, Images

__all__ = [
    "Affine",
    "AffineBatchTransform",
    "AffineTransform",
    "FittableTransform",
    "Transform",
    "create_transform",
    "get_name",
    "list_transforms",
    "register_transform",
    "transform_class",
]

TransformClass = TypeVar("TransformClass", bound=type[Any])


@runtime_checkable
class Transform(Protocol):
    """Anything that maps images to images when it is called.

    Images are uint8 in [0, 255] or floating in [0, 1]: an array (n, height, width[, channels]) or a list of arrays
    (height, width[, channels]) of different sizes. A function will do; what :func:`register_transform` accepts can be
    saved as well.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Compose, Rescale
    >>> def mirrored(images):
    ...     return images[:, :, ::-1]
    >>> Compose([mirrored, Rescale()])(np.array([[[0, 255]]], np.uint8))
    array([[[1., 0.]]], dtype=float32)
    """

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return the transformed images."""
        ...


class Affine(NamedTuple):
    """A map of pixel values: ``out = images.astype(float32) * scale + offset``, each step rounded to float32.

    Parameters
    ----------
    scale, offset : ndarray of shape () or (n_channels,)
        float32.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Rescale
    >>> scale, offset = Rescale().affine(np.uint8)
    >>> float(255 * scale + offset)
    1.0
    """

    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]

    def apply(self, images: Array) -> npt.NDArray[np.float32]:
        """Return the mapped images."""
        # The type is given, not deduced: NumPy would make uint8 times a float32 scalar another type before version 2.
        out = np.multiply(images, self.scale, dtype=np.float32)
        if self.offset.any():
            np.add(out, self.offset, out=out)
        return out


@runtime_checkable
class AffineTransform(Transform, Protocol):
    """A transform that only maps pixel values, so that a trainer can do it inside its graph, bit for bit.

    Examples
    --------
    >>> from lenetkit.transforms import AffineTransform, Rescale, Resize
    >>> isinstance(Rescale(), AffineTransform), isinstance(Resize((28, 28)), AffineTransform)
    (True, False)
    """

    def affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return the map for images of this type, uint8 or floating: always the same one if there is no ``fit``."""
        ...


class AffineBatchTransform(BatchTransform):
    """Base of this package's affine transforms: a subclass defines :meth:`affine`."""

    __slots__ = ()

    def affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return the map for images of this type."""
        raise NotImplementedError

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """Scale for uint8 images, float32 of shape () or (n_channels,)."""
        return self.affine(np.uint8).scale

    @property
    def offset(self) -> npt.NDArray[np.float32]:
        """Offset for uint8 images, float32 of shape () or (n_channels,)."""
        return self.affine(np.uint8).offset

    def _apply(self, batch: Array) -> Array:
        return self.affine(batch.dtype).apply(batch)


@runtime_checkable
class FittableTransform(Transform, Protocol):
    """A transform that learns from images before it is used.

    Examples
    --------
    >>> from lenetkit.transforms import FittableTransform, Rescale, Standardize
    >>> isinstance(Standardize(), FittableTransform), isinstance(Rescale(), FittableTransform)
    (True, False)
    """

    def fit(self, images: Images, /) -> Self:
        """Learn from images and return the transform itself."""
        ...

    def get_state(self) -> dict[str, Any] | None:
        """Return what was learnt as plain JSON values; None before ``fit``."""
        ...

    def set_state(self, state: dict[str, Any], /) -> None:
        """Restore what :meth:`get_state` returned; a SettingError if it is not that."""
        ...


_transforms: Registry[type[Any]] = Registry("transform", group="lenetkit.transforms", package="lenetkit.transforms")

transform_class = _transforms.get
"""Return the class that has a name."""


def register_transform(name: str, *, replace: bool = False) -> Callable[[TransformClass], TransformClass]:
    """Give a transform class a name: a class decorator, written above attrs'.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``.
    replace : bool
        Take the name over from whoever has it, for example when a notebook cell is run again.

    Returns
    -------
    callable
        The decorator; it returns the class.

    Raises
    ------
    SettingError
        If the name holds other characters, or the class is not an attrs class, can't be called, or has a setting
        without a default (``create_transform(name)`` must work).
    NameTakenError
        If the name has an owner already and ``replace`` is false.

    Examples
    --------
    >>> import attrs
    >>> from lenetkit.transforms import create_transform, map_images, register_transform
    >>> @register_transform("mirror", replace=True)
    ... @attrs.frozen(kw_only=True)
    ... class Mirror:
    ...     vertical: bool = False
    ...
    ...     def __call__(self, images):
    ...         axis = 1 if self.vertical else 2
    ...         return map_images(lambda batch: np.flip(batch, axis), images)
    >>> create_transform("mirror", vertical=True)
    Mirror(vertical=True)
    """

    def register(transform: TransformClass) -> TransformClass:
        _check_class(transform)
        owner = f"{transform.__module__}.{transform.__qualname__}"
        _transforms.register(name, transform, owner=owner, replace=replace)
        transform.__transform_name__ = name
        return transform

    return register


def list_transforms(pattern: str = "*") -> list[str]:
    """List the names of the registered transforms.

    Parameters
    ----------
    pattern : str
        Shell pattern that the names must match.

    Returns
    -------
    list of str
        Sorted; plug-ins are listed without being imported.

    Examples
    --------
    >>> from lenetkit.transforms import list_transforms
    >>> list_transforms("re*")
    ['rescale', 'resize']
    """
    return _transforms.listed(pattern)


def create_transform(name: str, /, **settings: Any) -> Any:
    """Create a transform by its name.

    Parameters
    ----------
    name : str
        One of :func:`list_transforms`.
    **settings
        The settings of that transform.

    Returns
    -------
    Transform
        The new transform.

    Raises
    ------
    UnknownNameError
        If no transform has this name.
    PluginError
        If a plug-in announces the name and cannot be imported.
    SettingError
        If the transform has no such setting, or a setting is invalid.

    Examples
    --------
    >>> from lenetkit.transforms import create_transform
    >>> create_transform("resize", size=(32, 32))
    Resize(size=(32, 32), background=None)
    """
    transform = transform_class(name)
    known = [str(field.alias) for field in attrs.fields(transform) if field.init]
    for setting in settings:
        if setting not in known:
            raise SettingError(
                f"the transform {name!r} has no setting {setting!r}.{did_you_mean(setting, known)} "
                f"Its settings: {', '.join(known) if known else 'none'}."
            )
    return transform(**settings)


def get_name(transform: object) -> str:
    """Return the name under which a transform's class is registered.

    Raises
    ------
    SettingError
        If the class has no name, or lost it to another class.
    """
    cls = type(transform)
    name = vars(cls).get("__transform_name__")
    if name is None:
        raise SettingError(
            f"{transform!r} cannot be saved: its class {cls.__qualname__} has no name that would find it again. "
            'Decorate it with @register_transform("some_name") above @attrs.frozen.'
        )
    if _transforms.get(name) is not cls:
        raise SettingError(
            f"{transform!r} cannot be saved: the name {name!r} belongs to another class by now, "
            f"{_transforms.owner(name)}. Create the transform again from that class."
        )
    return str(name)


def _check_class(transform: Any) -> None:
    if not isinstance(transform, type) or not attrs.has(transform):
        raise SettingError(
            f"a transform must be an attrs class, so that its settings can be saved; got {transform!r}. "
            "Put @attrs.frozen(kw_only=True) between @register_transform(...) and the class."
        )
    if "__call__" not in dir(transform):
        raise SettingError(
            f"the transform {transform.__qualname__} must be callable: give it a method __call__(self, images)."
        )
    for field in attrs.fields(transform):
        if field.init and field.default is attrs.NOTHING:
            raise SettingError(
                f"every setting of a transform needs a default, so that it can be created and tested by its name; "
                f"{transform.__qualname__}.{field.name} has none."
            )

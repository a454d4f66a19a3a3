"""Contract of a registered transform with its default settings."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import ContractError, LenetkitError, SettingError
from lenetkit.testing._require import promised, require
from lenetkit.transforms import AffineTransform, create_transform, transform_from_dict, transform_to_dict

__all__ = ["CHECKS"]

_INVALID_IMAGES: tuple[Any, ...] = (
    *(None, 3, "digits.png", []),
    *(np.zeros(shape, np.uint8) for shape in ((3,), (28, 28), (0, 28, 28))),
    np.zeros((2, 28, 28), np.int64),
    np.full((2, 28, 28), np.nan, np.float32),
    np.full((2, 28, 28), 255.0),
    [np.zeros((4, 4), np.uint8), "digits.png"],
)


def images_give_images(name: str) -> None:
    """Check that uint8 and floating images give as many finite images of uint8 or float32, and stay as they were."""
    for images in (_digits(), (_digits() / np.float32(255)).astype(np.float32), _digits() / 255):
        before = images.copy()
        images.flags.writeable = False
        result = _apply(name, _fitted(name, images), images)
        require(len(result) == len(images), f"what {name!r} makes of {len(images)} images", "as many", len(result))
        for image in result:
            require(image.dtype in (np.uint8, np.float32), f"what {name!r} gives", "uint8 or float32", image.dtype)
            require(bool(np.isfinite(image).all()), f"what {name!r} gives", "finite", "NaN or infinity")
        require(np.array_equal(images, before), f"the images given to {name!r}", "left alone", "changed")


def invalid_images_are_refused(name: str) -> None:
    """Check that invalid images raise lenetkit's own error, not one from deep inside."""
    for thing in _INVALID_IMAGES:
        try:
            _fitted(name)(thing)
        except LenetkitError:
            continue
        except Exception as error:
            raise ContractError(
                f"{name!r} must refuse {thing!r:.60} with a DataError; it raised {type(error).__name__}: {error}. "
                "lenetkit.transforms.map_images and check_images see to that."
            ) from error
        raise ContractError(f"{name!r} must refuse {thing!r:.60} with a DataError; it accepted it.")


def transforms_are_batch_invariant(name: str) -> None:
    """Check that a list, an array, a part of it and one image alone give the same, in any order of memory."""
    images = np.random.default_rng(0).integers(0, 256, (1500, 20, 30), dtype=np.uint8)
    transform = _fitted(name)
    end = _apply(name, transform, images[1490:])
    same = [
        ("a part of many images", _apply(name, transform, images)[1490:]),
        ("a list", _apply(name, transform, list(images[1490:]))),
        ("one image at a time", np.concatenate([_apply(name, transform, image[None]) for image in images[1490:]])),
        ("another order of memory", _apply(name, transform, np.asfortranarray(images[1490:]))),
    ]
    for what, result in same:
        require(np.array_equal(result, end), f"what {name!r} makes of {what}", "the same", "something else")
    for view in (images[18::-2, ::-1], images[:9].transpose(0, 2, 1)):
        equal = np.array_equal(_apply(name, transform, view), _apply(name, transform, view.copy()))
        require(equal, f"what {name!r} makes of a view", "the same as of its copy", "something else")


def sizes_may_differ(name: str) -> None:
    """Check that a list of images of different sizes gives one result each."""
    images = [np.full((10, 20), 7, np.uint8), np.full((30, 5), 200, np.uint8)]
    result = _apply(name, _fitted(name), images)
    require(len(result) == 2, f"what {name!r} makes of two images of different sizes", "two images", len(result))


def copies_do_the_same(name: str) -> None:
    """Check copies, pickles and plain JSON values, the fitted state included."""
    images = _digits()
    transform = _fitted(name, images)
    expected = _apply(name, transform, images)
    with promised(f"{name!r} must survive copies, pickles and JSON"):
        described = json.loads(json.dumps(transform_to_dict(transform), allow_nan=False))
        copies = {
            "copied": copy.deepcopy(transform),
            "unpickled": pickle.loads(pickle.dumps(transform)),  # noqa: S301
            "from JSON": transform_from_dict(described),
        }
    for origin, again in copies.items():
        require(repr(again) == repr(transform), f"{name!r}, {origin}", repr(transform), repr(again))
        require(np.array_equal(again(images), expected), f"results of {name!r}, {origin}", "the same", "others")
        require(transform_to_dict(again) == described, f"{name!r}, {origin}", described, transform_to_dict(again))


def settings_are_frozen(name: str) -> None:
    """Check that a transform cannot change under the model that was trained with it, and knows its settings."""
    transform = create_transform(name)
    for field in attrs.fields(type(transform)):
        if field.init:
            try:
                setattr(transform, field.name, getattr(transform, field.name))
            except attrs.exceptions.FrozenError:
                continue
            raise ContractError(f"the setting {field.name!r} of {name!r} must be frozen; it can be set.")
    try:
        create_transform(name, no_such_setting=1)
    except SettingError:
        return
    raise ContractError(f"{name!r} must refuse unknown settings; it accepted no_such_setting=1.")


def scale_and_offset_are_exact(name: str) -> None:
    """Check that scale and offset, if a transform has them, give its result bit for bit."""
    for images in (_digits(), (_digits() / np.float32(255)).astype(np.float32)):
        transform = _fitted(name, images)
        if not isinstance(transform, AffineTransform):
            return
        scale, offset = transform.affine(images.dtype)
        mapped = images.astype(np.float32) * scale + offset
        require(np.array_equal(mapped, transform(images)), f"{name!r}", "images * scale + offset", "something else")


CHECKS: tuple[Callable[[str], None], ...] = (
    images_give_images,
    invalid_images_are_refused,
    transforms_are_batch_invariant,
    sizes_may_differ,
    settings_are_frozen,
    copies_do_the_same,
    scale_and_offset_are_exact,
)


def _digits() -> npt.NDArray[np.uint8]:
    """Draw twenty images with every grey level."""
    return np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)


def _fitted(name: str, images: Any = None) -> Any:
    transform = create_transform(name)
    if hasattr(transform, "fit"):
        transform.fit(_digits() if images is None else images)
    return transform


def _apply(name: str, transform: Any, images: Any) -> Any:
    """Apply a transform to images that it must take."""
    with promised(f"{name!r} must take images"):
        return transform(images)

"""Images, targets and weights, checked before the first step and handed out in chunks."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.counts import floor_product
from lenetkit._utils.memmap import read_rows, release_pages
from lenetkit.exceptions import DataError, SettingError
from lenetkit.trainer._weights import check_class_weight, check_sample_weight, check_some_weight

__all__ = ["TrainingData", "check_classes_differ", "check_examples"]

# Larger sets are read chunk by chunk, so that memory does not grow with their length; see
# test_memory_does_not_grow_with_the_data. MNIST as float32 (220 MB) stays below.
RESIDENT_BYTES = 512 * 2**20
_SCAN_BYTES = 16 * 2**20


@attrs.frozen(kw_only=True, eq=False)
class TrainingData:
    """Images with their targets and weights, checked."""

    images: Any  # (n, height, width[, channels]), uint8 or floating; an ndarray or anything indexed like one
    targets: npt.NDArray[Any]  # (n,) int32 class indices, or (n, n_classes) float32 rows
    weights: npt.NDArray[np.float32] | None = None  # (n,) in the loss

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def resident(self) -> bool:
        """True if the images are small enough to be kept in memory whole."""
        return bool(np.prod(self.images.shape) * (1 if self.images.dtype == np.uint8 else 4) <= RESIDENT_BYTES)

    def rows(self, index: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.float32]]:
        """Read some examples, in the order of `index`."""
        weights = np.ones(len(index), np.float32) if self.weights is None else self.weights[index]
        return _as_number_array(read_rows(self.images, index)), self.targets[index], weights

    def whole(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.float32]]:
        """Read all examples."""
        weights = np.ones(len(self), np.float32) if self.weights is None else self.weights
        return _as_number_array(self.images), self.targets, weights

    def split(self, fraction: float) -> tuple["TrainingData", "TrainingData"]:
        """Cut the last `fraction` off, as Keras' ``validation_split`` does."""
        cut = len(self) - floor_product(fraction, len(self))
        if not 0 < cut < len(self):
            raise SettingError(
                f"validation_split={fraction} of {len(self)} images leaves one of the two parts empty; choose another "
                "fraction or pass validation_data."
            )
        kept, held_back = self._part(slice(0, cut)), self._part(slice(cut, None))
        for part, name in ((kept, "first"), (held_back, "last")):
            check_some_weight(
                part.weights, f"with validation_split={fraction}, the weights of the {name} part are all 0"
            )
        return kept, held_back

    def _part(self, rows: slice) -> "TrainingData":
        return TrainingData(
            images=self.images[rows],
            targets=self.targets[rows],
            weights=None if self.weights is None else self.weights[rows],
        )


def _as_number_array(images: Any) -> npt.NDArray[Any]:
    array = np.asarray(images)
    return array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)


def check_examples(
    images: Any,
    targets: Any,
    *,
    input_shape: tuple[int | None, ...],
    n_classes: int | None,
    sample_weight: Any = None,
    class_weight: Any = None,
    part: str = "",
) -> TrainingData:
    """Check images, targets and weights, as :meth:`lenetkit.trainer.Trainer.fit` takes them, before the first step.

    `input_shape` is the model's without the batch axis, `n_classes` the width of its output, if known; `part` is put
    before "images" and "targets" in messages, for example ``"validation "``.

    Raises
    ------
    DataError
        If images, targets or weights are invalid; the message names the first offender.
    SettingError
        If a class weight is missing or invalid, or all of them are 0.
    """
    checked_images = _check_images(images, input_shape, part)
    checked_targets = _check_targets(targets, len(checked_images), n_classes, part)
    weights = check_sample_weight(sample_weight, len(checked_images), part)
    if class_weight is not None:
        indices = checked_targets if checked_targets.ndim == 1 else checked_targets.argmax(axis=1)
        classes = range(int(indices.max()) + 1 if n_classes is None else n_classes)
        by_class = check_class_weight(class_weight, indices, classes, weights)
        of_each = np.array([by_class.get(index, 0) for index in classes], np.float32)[indices]
        weights = of_each if weights is None else weights * of_each
        check_some_weight(weights, "sample_weight times class_weight is 0 for every image")
    return TrainingData(images=checked_images, targets=checked_targets, weights=weights)


def check_classes_differ(data: TrainingData) -> None:
    """Refuse targets that are all of one class: whatever is learnt from them answers nothing else.

    Raises
    ------
    DataError
        If all class indices are the same, or all one-hot rows.
    """
    targets = data.targets
    if (targets == targets[0]).all() and (targets.ndim == 1 or targets[0].max() == targets[0].sum()):
        only = int(targets[0] if targets.ndim == 1 else targets[0].argmax())
        raise DataError(f"the labels must be of at least 2 classes; got one class, {only}.")


def _check_images(images: Any, input_shape: tuple[int | None, ...], part: str) -> Any:
    array = images if hasattr(images, "shape") and hasattr(images, "dtype") else np.asarray(images)
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise DataError(
            f"{part}images must be uint8 (0..255) or floating; got {array.dtype}. "
            "Convert them first, for example with images.astype(numpy.uint8)."
        )
    # To images of shape (n, height, width) the graph adds the axis: their fingerprint stays that of the given array.
    if isinstance(array, np.ndarray) and array.ndim == len(input_shape) != 3 and input_shape[-1] == 1:
        array = array[..., None]
    if array.ndim not in (len(input_shape), len(input_shape) + 1):
        raise DataError(
            f"{part}images must have shape (n, height, width) or (n, height, width, channels); got {array.shape}. "
            "For a single image pass images[None]."
        )
    if len(array) == 0:
        raise DataError(f"there are no {part}images: got an array of shape {array.shape}.")
    got = (*array.shape[1:], 1)[: len(input_shape)]
    if any(wanted is not None and wanted != found for wanted, found in zip(input_shape, got, strict=True)):
        raise DataError(
            f"the model takes images of shape {input_shape}; got {part}images of shape {got}. "
            "Resize them, or create the model with this input_shape."
        )
    if array.dtype != np.uint8:
        _refuse_non_finite(array, part)
    return array


def _refuse_non_finite(images: Any, part: str) -> None:
    """Refuse NaN and infinity, chunk by chunk: one such pixel turns every weight into NaN without an error."""
    rows = max(1, _SCAN_BYTES // max(1, int(np.prod(images.shape[1:])) * images.dtype.itemsize))
    for start in range(0, len(images), rows):
        chunk = np.asarray(images[start : start + rows])
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        release_pages(images)
        first = start + int(np.argmin(finite))
        if not finite.all():
            raise DataError(f"{part}image {first} holds NaN or infinite pixels; remove or repair it.")


def _check_targets(targets: Any, n: int, n_classes: int | None, part: str) -> npt.NDArray[Any]:
    array = np.asarray(targets)
    if array.ndim not in (1, 2) or len(array) != n:
        raise DataError(
            f"{part}targets must be class indices of shape ({n},) or one-hot rows of shape ({n}, n_classes), one per "
            f"image; got shape {array.shape}."
        )
    if array.ndim == 2:
        return _check_rows(array, n_classes, part)
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(
            f"{part}targets of shape (n,) must be integer class indices; got {array.dtype}. "
            "Encode labels with lenetkit.encoder.LabelEncoder."
        )
    bad = (array < 0) if n_classes is None else (array < 0) | (array >= n_classes)
    first = int(np.argmax(bad))
    if bad[first]:
        raise DataError(
            f"{part}target {first} is {array[first]}; the model tells {n_classes} classes apart, so targets are "
            f"0 to {(n_classes or 1) - 1}. Create the model with more classes, or correct the label."
        )
    return array.astype(np.int32)


def _check_rows(array: npt.NDArray[Any], n_classes: int | None, part: str) -> npt.NDArray[np.float32]:
    if n_classes is not None and array.shape[1] != n_classes:
        raise DataError(
            f"{part}targets have {array.shape[1]} columns, but the model's output has {n_classes}. "
            f"Create the model with n_classes={array.shape[1]}, or encode the labels for {n_classes} classes."
        )
    numeric = array.dtype.kind in "biuf"
    if not numeric:
        raise DataError(f"{part}targets must be numbers; got {array.dtype}.")
    rows = array.astype(np.float32)
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise DataError(f"{part}target {int(np.argmin(finite))} holds NaN or infinite values.")
    return rows

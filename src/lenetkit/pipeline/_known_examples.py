"""Examples of what a pipeline knows already, so that it does not forget while it learns something else.

In: a fitted state, and images that its user wants kept. Out: images to learn beside the new ones, and others to measure
on. Next: :mod:`lenetkit.pipeline._adapting`.
"""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import BundleError, SettingError
from lenetkit.pipeline._fitted import check_one_each, get_input

if TYPE_CHECKING:
    from lenetkit.bundle import Bundle
    from lenetkit.pipeline._fitted import FittedState

__all__ = ["KnownExamples", "as_floats", "collect_known", "mix", "store_examples"]

Inputs = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]

# Drawn digits to learn beside the new images, and as many others to measure on.
_DRAWN = 500
# A pipeline that reads fewer of the drawn digits reads something else, such as clothes that are numbered 0 to 9.
_READS_DIGITS = 0.8
# Fraction of the one image in a mixture with another. Mixtures lie where the answer changes from one class to another,
# where examples hardly ever are: learning from the examples alone costs MNIST ten times as many errors
# (benchmarks/adapt.py).
_MIXED = (0.3, 0.7)
# Newest examples of each class that travel in the file.
_STORED_PER_CLASS = 50
_IMAGES, _LABELS = "adaptation.images", "adaptation.labels"


@attrs.frozen(kw_only=True, eq=False)
class KnownExamples:
    """Inputs of the model, uint8 or float32, that show what a pipeline knows.

    Parameters
    ----------
    sources : list of ndarray
        To be learnt beside the new images, by origin.
    measured : list of (ndarray, ndarray)
        To measure on, with the indices of their classes; perhaps none.
    """

    sources: list[Inputs]
    measured: list[tuple[Inputs, Indices]]


def collect_known(fitted: "FittedState", bundle: "Bundle", keep: Any, rng: np.random.Generator) -> KnownExamples:
    """Return drawn digits, where the pipeline reads digits, half of `keep`, and what an earlier adaptation has stored.

    If there is nothing of these, the golden images are learnt, and nothing is measured.

    Raises
    ------
    SettingError
        If `keep` is no pair of images and labels.
    DataError
        If it does not hold what it should.
    """
    sources: list[Inputs] = []
    measured: list[tuple[Inputs, Indices]] = []
    if keep is not None:
        inputs, indices = _read_keep(fitted, keep)
        sources.append(inputs[::2])
        measured += [(inputs[1::2], indices[1::2])] if len(inputs) > 1 else []
    stored = _read_stored(bundle)
    if stored is not None:
        sources.append(stored[0])
        measured.append(stored)
    drawn = _draw_digits(fitted, rng)
    if drawn is not None:
        inputs, indices = drawn
        sources.append(inputs[:_DRAWN])
        measured.append((inputs[_DRAWN:], indices[_DRAWN:]))
    return KnownExamples(sources=sources or [bundle.golden_images], measured=measured)


def mix(
    sources: list[npt.NDArray[np.float32]],
    n: int,
    rng: np.random.Generator,
    fractions: tuple[float, float] = _MIXED,
) -> npt.NDArray[np.float32]:
    """Return n mixtures of two rows each; every source has the same chance, however many rows it has.

    The fraction of the first row is between `fractions`; with (1, 1) it is that row as it is.

    Zhang et al., mixup: Beyond Empirical Risk Minimization (ICLR 2018), here without labels.
    """
    chosen = rng.integers(len(sources), size=2 * n)
    lengths = np.array([len(source) for source in sources])
    starts = np.cumsum(lengths) - lengths
    rows = starts[chosen] + rng.integers(lengths[chosen])
    one, other = np.concatenate(sources)[rows].reshape(2, n, -1)
    shares = rng.uniform(*fractions, (n, 1)).astype(np.float32)
    return np.asarray(shares * one + (1 - shares) * other)


def store_examples(bundle: "Bundle", inputs: Inputs, indices: Indices, affine: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the file's extra tensors with these examples among the stored ones, the newest of each class."""
    stored = _read_stored(bundle)
    if stored is not None:
        known, labels = stored
        if (known.dtype, known.shape[1:]) != (inputs.dtype, inputs.shape[1:]):
            known, inputs = (as_floats(each, affine) for each in (known, inputs))
        inputs, indices = np.concatenate([known, inputs]), np.concatenate([labels, indices])
    kept = np.sort(
        np.concatenate([np.flatnonzero(indices == each)[-_STORED_PER_CLASS:] for each in np.unique(indices)])
    )
    return {**bundle.extra_tensors, _IMAGES: inputs[kept], _LABELS: indices[kept]}


def _read_keep(fitted: "FittedState", keep: Any) -> tuple[Inputs, Indices]:
    if not isinstance(keep, (tuple, list)) or len(keep) != 2:
        raise SettingError(f"keep must be (images, labels); got {type(keep).__name__}.")
    inputs, indices = get_input(fitted.prepare(keep[0])), fitted.encoder.indices(keep[1])
    check_one_each(inputs, indices)
    return inputs, indices


def _read_stored(bundle: "Bundle") -> tuple[Inputs, Indices] | None:
    """Return the examples of earlier adaptations; a BundleError if a file does not hold what it should."""
    inputs, indices = bundle.extra_tensors.get(_IMAGES), bundle.extra_tensors.get(_LABELS)
    if inputs is None and indices is None:
        return None
    height, width, channels = bundle.input_shape
    forms = ((height, width, channels), *([(height, width)] if channels == 1 else []))
    fits = (
        inputs is not None
        and indices is not None
        and inputs.dtype in (np.uint8, np.float32)
        and inputs.shape[1:] in forms
        and indices.dtype == np.int64
        and indices.shape == inputs.shape[:1]
        and indices.min() >= 0
        and indices.max() < bundle.n_classes
    )
    if inputs is None or indices is None or not fits:
        raise BundleError("the examples that the saved pipeline keeps of earlier adaptations are damaged.")
    return inputs, indices


def _draw_digits(fitted: "FittedState", rng: np.random.Generator) -> tuple[Inputs, Indices] | None:
    """Return drawn digits, shuffled, if the pipeline reads most of them."""
    from lenetkit.synthesis import draw_digits

    positions = {str(label): index for index, label in enumerate(fitted.classes.tolist())}
    digits = [digit for digit in range(10) if str(digit) in positions]
    if len(digits) < 2:
        return None
    drawn = draw_digits(2 * _DRAWN, digits=digits, seed=int(rng.integers(2**31)))
    order = rng.permutation(len(drawn.labels))
    inputs = get_input(fitted.prepare(drawn.images[order]))
    indices = np.array([positions[str(label)] for label in drawn.labels[order].tolist()])
    right = fitted.predictor.predict_proba(inputs).argmax(axis=1) == indices
    return (inputs, indices) if right.mean() >= _READS_DIGITS else None


def as_floats(inputs: Inputs, affine: Any) -> Inputs:
    """Return inputs as the model wants them, with a channel axis."""
    floats = inputs if inputs.dtype == np.float32 else affine.apply(inputs)
    return np.asarray(floats[..., np.newaxis] if floats.ndim == 3 else floats, np.float32)

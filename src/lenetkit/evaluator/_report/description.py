"""Provenance of an evaluation in words: data, settings, versions.

In: the images and the pipeline, known by a few attributes. Out: texts. Next: the tables at the end of the report.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING, Any, Protocol, cast

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import get_version
from lenetkit.evaluator._metrics import Measures
from lenetkit.exceptions import DataError, NotFittedError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CONTESTED",
    "MNIST_TEST",
    "DataFacts",
    "FittedPipeline",
    "Images",
    "LabelledImages",
    "describe_data",
    "describe_pipeline",
    "versions",
]

MNIST_TEST = "518b28f86be030eab887979c43bfd1f6b68aedd354e519f8894e4fe14546c350"
"""Fingerprint of MNIST's predefined test split of 10,000 images."""

CONTESTED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
"""Those of MNIST's test images whose labels are contested."""

_PACKAGES = ("lenetkit", "keras", "tensorflow", "ai-edge-litert", "numpy", "scikit-learn", "pandas")


Images = Sequence[Any] | npt.NDArray[Any]


class LabelledImages(Protocol):
    """The part of a :class:`lenetkit.datasets.Dataset` that the report needs."""

    @property
    def images(self) -> Any: ...
    @property
    def labels(self) -> npt.NDArray[Any]: ...
    @property
    def class_names(self) -> Sequence[str]: ...
    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...


class FittedPipeline(Protocol):
    """The part of a :class:`lenetkit.pipeline.Pipeline` that the report needs."""

    @property
    def model(self) -> Any: ...
    @property
    def model_options(self) -> Mapping[str, Any] | None: ...
    @property
    def trainer(self) -> object: ...
    @property
    def transforms_(self) -> Any: ...
    @property
    def classes_(self) -> npt.NDArray[Any]: ...
    @property
    def history_(self) -> "pd.DataFrame": ...
    @property
    def provenance_(self) -> Mapping[str, Any]: ...
    @property
    def result_(self) -> object: ...


@attrs.frozen(kw_only=True, eq=False)
class DataFacts:
    """The images, if there are any, and what is known of them."""

    images: Images | None = None  # in the order of the evaluation
    name: str = ""
    rows: dict[str, str] = attrs.field(factory=dict)  # facts to list
    contested: frozenset[int] = frozenset()  # positions whose labels are contested


def describe_data(data: LabelledImages | Images | None, evaluation: Measures) -> DataFacts:
    """Return what is known of the data.

    Raise DataError if there are not as many images as labels, or the labels are others than those that were evaluated.
    """
    rows = {"images": f"{evaluation.n:,}"}
    if data is None:
        return DataFacts(rows=rows)
    labelled = cast("LabelledImages", data) if hasattr(data, "fingerprint") and hasattr(data, "labels") else None
    images: Any = data if labelled is None else labelled.images
    if len(images) != evaluation.n:
        raise DataError(
            f"data must be the {evaluation.n} images that were evaluated, in the same order; got {len(images)}."
        )
    if labelled is None:
        return DataFacts(images=images, rows=rows)
    labels = np.asarray(labelled.labels)
    if labels.dtype.kind == evaluation.labels.dtype.kind and not np.array_equal(labels, evaluation.labels):
        row = int(np.flatnonzero(labels != evaluation.labels)[0])
        raise DataError(
            f"data must be the images that were evaluated, in the same order: labels[{row}] is {labels[row]!r} there "
            f"and {evaluation.labels[row]!r} in the evaluation."
        )
    rows = {
        "name": labelled.name,
        "images": f"{evaluation.n:,} of {' x '.join(map(str, labelled.images.shape[1:]))}",
        "classes": _shortened(labelled.class_names),
        "fingerprint (SHA-256 of the content)": labelled.fingerprint,
    }
    if labelled.fingerprint != MNIST_TEST:
        return DataFacts(images=images, name=labelled.name, rows=rows)
    rows["known as"] = "MNIST's predefined test split"
    return DataFacts(images=images, name="MNIST's test split", rows=rows, contested=frozenset(CONTESTED))


def describe_pipeline(pipeline: FittedPipeline | None) -> "tuple[dict[str, str], pd.DataFrame | None]":
    """Return a pipeline's settings in words, and its learning curves if it has any."""
    if pipeline is None:
        return {}, None
    model, options = pipeline.model, pipeline.model_options or {}
    known = {
        "model": model if isinstance(model, str) else str(getattr(model, "name", "built by hand")),
        "model options": ", ".join(f"{name}={value!r}" for name, value in options.items()) or None,
        "transforms": " -> ".join(map(str, pipeline.transforms_.steps)),
        "classes": _shortened(pipeline.classes_),
        "trainer": None if pipeline.trainer is None else str(pipeline.trainer),
    }
    settings = {name: value for name, value in known.items() if value is not None}
    try:
        history, provenance = pipeline.history_, pipeline.provenance_
    except NotFittedError:
        return {**settings, "training": "in another process: there are no learning curves"}, None
    try:
        # The cost of the training is known only where it was done.
        settings["training"] = str(pipeline.result_)
    except NotFittedError:
        last = [f"{name} {value:.4f}" for _, row in history.tail(1).iterrows() for name, value in row.items()]
        settings["training"] = f"{len(history)} epochs, in another process{': ' if last else ''}{', '.join(last)}"
    settings.update({f"training: {name}": str(value) for name, value in provenance.items()})
    return settings, history if len(history) and "loss" in history else None


def versions() -> dict[str, str]:
    """Return the versions of what is installed here."""
    found = {"Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            found[package] = get_version(package)
        except PackageNotFoundError:
            continue
    return found


def _shortened(names: Iterable[object]) -> str:
    given = [str(name) for name in names]
    shown = ", ".join(given[:20])
    return shown if len(given) <= 20 else f"{shown}, ... ({len(given)} in all)"

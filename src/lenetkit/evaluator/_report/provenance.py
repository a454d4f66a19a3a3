"""What was evaluated, with what: data, settings, versions, as words."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit.exceptions import DataError, NotFittedError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CONTESTED", "MNIST_TEST", "DataFacts", "facts_of_data", "settings_of", "versions"]

MNIST_TEST = "518b28f86be030eab887979c43bfd1f6b68aedd354e519f8894e4fe14546c350"
"""Fingerprint of MNIST's 10,000 official test images."""

CONTESTED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
"""Those of MNIST's test images whose labels are contested."""

_PACKAGES = ("lenetkit", "keras", "tensorflow", "ai-edge-litert", "numpy", "scikit-learn", "pandas")


@attrs.frozen(kw_only=True, eq=False)
class DataFacts:
    """The images, if there are any, and what is known of them.

    Parameters
    ----------
    images : sequence of ndarray, optional
        In the order of the evaluation.
    name : str
        Empty where it has none.
    rows : dict of str to str
        What to list.
    contested : frozenset of int
        Positions whose labels are contested.
    """

    images: "Sequence[Any] | None" = None
    name: str = ""
    rows: dict[str, str] = attrs.field(factory=dict)
    contested: frozenset[int] = frozenset()


def facts_of_data(data: Any, evaluation: Any) -> DataFacts:
    """Return what is known of the data.

    Raises
    ------
    DataError
        If there are not as many images as labels, or the labels are others than those that were evaluated.
    """
    if data is None:
        return DataFacts(rows={"images": f"{evaluation.n:,}"})
    is_dataset = hasattr(data, "fingerprint") and hasattr(data, "labels")
    images = data.images if is_dataset else data
    if len(images) != evaluation.n:
        raise DataError(
            f"data must be the {evaluation.n} images that were evaluated, in the same order; got {len(images)}."
        )
    if not is_dataset:
        return DataFacts(images=images, rows={"images": f"{evaluation.n:,}"})
    labels = np.asarray(data.labels)
    if labels.dtype.kind == evaluation.labels.dtype.kind and not np.array_equal(labels, evaluation.labels):
        row = int(np.flatnonzero(labels != evaluation.labels)[0])
        raise DataError(
            f"data must be the images that were evaluated, in the same order: labels[{row}] is {labels[row]!r} there "
            f"and {evaluation.labels[row]!r} in the evaluation."
        )
    rows = {
        "name": data.name,
        "images": f"{evaluation.n:,} of {' x '.join(map(str, images.shape[1:]))}",
        "classes": _shortened(data.class_names),
        "fingerprint (SHA-256 of the content)": data.fingerprint,
    }
    if data.fingerprint != MNIST_TEST:
        return DataFacts(images=images, name=data.name, rows=rows)
    rows["known as"] = "MNIST's official test part"
    return DataFacts(images=images, name="MNIST's test part", rows=rows, contested=frozenset(CONTESTED))


def settings_of(pipeline: Any) -> tuple[dict[str, str], Any]:
    """Return a pipeline's settings in words, and its learning curves if it has any."""
    if pipeline is None:
        return {}, None
    model = pipeline.model if isinstance(pipeline.model, str) else getattr(pipeline.model, "name", "built by hand")
    settings = {"model": str(model)}
    if pipeline.model_options:
        settings["model options"] = ", ".join(f"{name}={value!r}" for name, value in pipeline.model_options.items())
    settings["transforms"] = " -> ".join(map(str, pipeline.transforms_.steps))
    settings["classes"] = _shortened(pipeline.classes_)
    if pipeline.trainer is not None:
        settings["trainer"] = str(pipeline.trainer)
    try:
        history, environment = pipeline.history_, pipeline.provenance_
    except NotFittedError:
        return {**settings, "training": "in another process: there are no learning curves"}, None
    settings["training"] = _training_of(pipeline, history)
    settings.update({f"training: {name}": str(value) for name, value in environment.items()})
    return settings, history if len(history) and "loss" in history else None


def _training_of(pipeline: Any, history: Any) -> str:
    """Return how the training went; what it cost is known only where it was done."""
    try:
        return str(pipeline.result_)
    except NotFittedError:
        last = [f"{name} {value:.4f}" for name, value in history.iloc[-1].items()] if len(history) else []
        return f"{len(history)} epochs, in another process" + (f": {', '.join(last)}" if last else "")


def versions() -> dict[str, str]:
    """Return the versions of what is installed here."""
    found = {"Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _shortened(names: Any) -> str:
    given = [str(name) for name in names]
    shown = ", ".join(given[:20])
    return shown if len(given) <= 20 else f"{shown}, ... ({len(given)} in all)"

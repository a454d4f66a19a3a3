"""Trace of one image through a pipeline: every stage, and the probabilities.

In: one image and a fitted pipeline. Out: a :class:`Trace`. Next: the terminal, or :func:`lenetkit.plotting.plot_trace`.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.datasets import single_image
from lenetkit.diagnosis._diagnosis import named_steps
from lenetkit.diagnosis._pictures import Array, FittedPipeline
from lenetkit.diagnosis._terminal import bars, strip

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from lenetkit.plotting import TraceDisplay
    from lenetkit.transforms import Compose

__all__ = ["Trace", "trace"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Trace:
    """One image at every stage of a pipeline; made by :func:`trace`.

    Printed, it shows every stage in grey blocks, and the most probable labels.

    Parameters
    ----------
    name : str
        Name of the image.
    stages : list of (str, ndarray)
        Name and image of each stage, of shape (height, width[, channels]): first as it was read, last as the model
        sees it.
    probabilities : ndarray of shape (n_classes,)
        float32.
    classes : ndarray of shape (n_classes,)
        The labels in the same order.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.synthesis import draw_number
    >>> trace = Pipeline.pretrained().trace(255 - draw_number("7", height=120, seed=1).image)
    >>> [name for name, _ in trace.stages][-2:]
    ['MnistNormalize: result', 'Rescale']
    >>> int(trace.label)
    7
    """

    name: str
    stages: list[tuple[str, Array]]
    probabilities: npt.NDArray[np.float32]
    classes: Array

    @property
    def label(self) -> Any:
        """The most probable label."""
        return self.classes[self.probabilities.argmax()]

    @property
    def probability(self) -> float:
        """Probability of that label, in [0, 1]."""
        return float(self.probabilities.max())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: of each stage name, shape, dtype and range; the probabilities by label."""
        stages = [
            {
                "name": name,
                "shape": list(picture.shape),
                "dtype": str(picture.dtype),
                "low": float(picture.min()),
                "high": float(picture.max()),
            }
            for name, picture in self.stages
        ]
        # The shortest decimals that give the same float32 again.
        probabilities = {
            str(label): float(str(value)) for label, value in zip(self.classes, self.probabilities, strict=True)
        }
        label = self.label.item() if isinstance(self.label, np.generic) else self.label
        return {"name": self.name, "label": label, "probabilities": probabilities, "stages": stages}

    def plot(self, *, figure: "Figure | SubFigure | None" = None) -> "TraceDisplay":
        """Draw the stages and the probabilities in a strip; see :func:`lenetkit.plotting.plot_trace`."""
        from lenetkit.plotting import plot_trace

        return plot_trace(
            self.stages, self.probabilities, self.classes, title=os.path.basename(self.name), figure=figure
        )

    def __str__(self) -> str:
        return f"{self.name}\n\n{strip(self.stages)}\n\n{bars(self.classes, self.probabilities)}"

    __repr__ = __str__


def trace(image: Any, pipeline: FittedPipeline) -> Trace:
    """Follow one image through a pipeline.

    A transform with a method ``stages(images)`` shows its own stages: it yields pairs of a name and the images at that
    point.

    Parameters
    ----------
    image : array-like of shape (height, width[, channels]), (1, height, width[, channels]), path or PIL image
        One image.
    pipeline : Pipeline
        Fitted.

    Returns
    -------
    Trace
        The image at every stage, and the probabilities.

    Raises
    ------
    NotFittedError
        If the pipeline is not fitted.
    DataError
        If it is not one image, cannot be read, or a transform or the model cannot take it.

    Examples
    --------
    >>> from lenetkit import Pipeline, Trainer, load_dataset
    >>> from lenetkit.diagnosis import trace
    >>> digits = load_dataset("digits")[:200]
    >>> pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(digits.images, digits.labels)
    >>> [(name, picture.shape) for name, picture in trace(digits.images[0], pipe).stages]
    [('as read', (8, 8)), ('Grayscale', (8, 8)), ('Resize', (28, 28)), ('Rescale', (28, 28))]
    """
    transforms, classes = pipeline.transforms_, pipeline.classes_
    name, picture = single_image(image)
    stages = [("as read", picture), *_stages(picture[np.newaxis], transforms)]
    probabilities = pipeline.predict_proba(picture[np.newaxis])[0]
    return Trace(name=name, stages=stages, probabilities=probabilities, classes=classes)


def _stages(images: Any, transforms: "Compose") -> Iterator[tuple[str, Array]]:
    """Yield name and result of each step for one image."""
    for name, step in named_steps(transforms):
        shown: Array | None = None
        for stage, shown in _inside(step, images):
            yield f"{name}: {stage}", shown
        images = step(images)
        picture = np.asarray(images[0])
        # The last stage inside a step mostly is its result.
        if shown is None or not np.array_equal(shown, picture):
            yield name, picture


def _inside(step: Any, images: Any) -> list[tuple[str, Array]]:
    """Return the stages inside a transform for the first image, if it shows any."""
    from lenetkit.transforms import MnistNormalize

    if callable(getattr(step, "stages", None)):
        return [(name, np.asarray(pictures[0])) for name, pictures in step.stages(images)]
    return list(step.steps(images[0]).items()) if isinstance(step, MnistNormalize) else []

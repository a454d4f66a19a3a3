"""Trace of one image through a pipeline: every stage, and the probabilities.

In: one image and a fitted pipeline. Out: a :class:`Trace`. Next: the terminal, or :func:`lenetkit.plotting.plot_trace`.
"""

import copy
import os
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.printable import printable
from lenetkit.datasets import single_image
from lenetkit.diagnosis._diagnosis import named_steps
from lenetkit.diagnosis._pictures import Answer, Array, FittedPipeline
from lenetkit.diagnosis._terminal import bars, strip
from lenetkit.plotting import AnyFigure, TraceDisplay, plot_trace
from lenetkit.transforms import Compose, Look, MnistNormalize

__all__ = ["Trace", "trace"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Trace(Answer):
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
        return {
            "name": self.name,
            "label": self.label.item() if isinstance(self.label, np.generic) else self.label,
            # The shortest decimals that give the same float32 again.
            "probabilities": {
                str(label): float(str(value)) for label, value in zip(self.classes, self.probabilities, strict=True)
            },
            "stages": stages,
        }

    def plot(self, *, figure: "AnyFigure | None" = None) -> TraceDisplay:
        """Draw the stages and the probabilities in a strip; see :func:`lenetkit.plotting.plot_trace`."""
        return plot_trace(
            self.stages, self.probabilities, self.classes, title=os.path.basename(self.name), figure=figure
        )

    def __str__(self) -> str:
        return f"{printable(self.name)}\n\n{strip(self.stages)}\n\n{bars(self.classes, self.probabilities)}"

    __repr__ = __str__


def trace(image: Any, pipeline: FittedPipeline) -> Trace:
    """Follow one image through a pipeline.

    Of a picture that may be meant in several ways all looks are shown, with how sure the networks are of them, and the
    one that is taken; see :meth:`Pipeline.looks <lenetkit.pipeline.Pipeline.looks>`.

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
    pipeline = copy.copy(pipeline)  # one model answers, whatever other threads fit the pipeline to
    transforms, classes = pipeline.transforms_, pipeline.classes_
    name, picture = single_image(image)
    (looks,) = pipeline.looks(picture[np.newaxis])
    stages = [("as read", picture), *_stages(picture[np.newaxis], transforms, looks)]
    return Trace(
        name=name, stages=stages, probabilities=pipeline.predict_proba(picture[np.newaxis])[0], classes=classes
    )


def _stages(images: Any, transforms: Compose, looks: tuple[Look, ...]) -> Iterator[tuple[str, Array]]:
    """Yield name and result of each step for one image, and the looks at it if there are several."""
    for name, step in named_steps(transforms):
        inside = _inside(step, images)
        yield from ((f"{name}: {stage}", picture) for stage, picture in inside)
        # Its last stage is the transform's result, for which all of the work is not done again.
        images = inside[-1][1][np.newaxis] if isinstance(step, MnistNormalize) else step(images)
        # The last stage inside a step mostly is its result.
        if not inside or not np.array_equal(inside[-1][1], images[0]):
            yield name, np.asarray(images[0])
        if len(looks) > 1 and isinstance(step, MnistNormalize):
            for look in looks:
                taken = ", taken" if look.taken else ""
                yield f"{look.done or 'first look'} ({look.sureness:.0%} sure{taken})", look.image
            images = next(look.image for look in looks if look.taken)[np.newaxis]


def _inside(step: Any, images: Any) -> list[tuple[str, Array]]:
    """Return the stages inside a transform for the first image, if it shows any."""
    if callable(getattr(step, "stages", None)):
        return [(name, np.asarray(pictures[0])) for name, pictures in step.stages(images)]
    return list(step.steps(images[0]).items()) if isinstance(step, MnistNormalize) else []

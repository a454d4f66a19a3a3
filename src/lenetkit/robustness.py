"""How much of what a pipeline reads is left when its images are spoilt.

In: a fitted pipeline and data with ink bright on black. Out: a pandas table of accuracies, kind by severity.
Next: ``Evaluation.to_html(..., corruptions=table)`` shows it in a report.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import CORRUPTIONS, corrupt

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["measure_robustness"]


class _Reader(Protocol):
    """What a fitted :class:`lenetkit.pipeline.Pipeline` offers."""

    def predict(self, images: Any) -> npt.NDArray[Any]: ...


def measure_robustness(
    pipeline: _Reader,
    data: Dataset,
    *,
    kinds: Sequence[str] = CORRUPTIONS,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
    max_images: int = 1000,
    seed: int = 0,
) -> "pd.DataFrame":
    """Measure the accuracy on images that are spoilt in the ways of MNIST-C.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    data : Dataset
        Grey images of at least 8x8 pixels, ink bright on black.
    kinds : sequence of str
        Some of :data:`lenetkit.synthesis.CORRUPTIONS`; all by default.
    severities : sequence of int
        From 1, mild, to 5, severe; 3 is the published setting.
    max_images : int, default 1000
        Of more images so many are taken, evenly spread.
    seed : int, default 0
        Decides what is random in the corruptions.

    Returns
    -------
    pandas.DataFrame
        Accuracy in [0, 1]: a row for each kind, indexed by ``kind``, and a column for each severity. The first row,
        ``clean``, is that of the same images unspoilt. ``attrs["n"]`` says how many images there were.

    Raises
    ------
    SettingError
        If there is no such kind or severity, or `max_images` is not a positive whole number.
    DataError
        If there are no images, or they are not grey ones of at least 8x8 pixels.
    NotFittedError
        If the pipeline is not fitted.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.synthesis import draw_digits
    >>> from lenetkit.robustness import measure_robustness
    >>> digits = draw_digits(50, styles="american", seed=1)
    >>> table = measure_robustness(Pipeline.pretrained(), digits, kinds=["rotate", "fog"], severities=[1, 5])
    >>> table.index.tolist(), table.columns.tolist()
    (['clean', 'rotate', 'fog'], [1, 5])
    >>> bool((table.loc["rotate", 5] <= table.loc["clean", 1]).all())
    True
    """
    import pandas as pd

    if isinstance(max_images, bool) or not isinstance(max_images, int) or max_images < 1:
        raise SettingError(f"max_images must be a positive whole number; got {max_images!r}.")
    if not len(data):
        raise DataError("there are no images to spoil: the data set is empty.")
    rows = np.linspace(0, len(data) - 1, min(max_images, len(data))).astype(int)
    images, labels = np.asarray(data.images[rows]), data.labels[rows]
    clean = float(np.mean(pipeline.predict(images) == labels))
    accuracies = {"clean": [clean] * len(severities)}
    for kind in kinds:
        spoilt = (corrupt(images, kind, severity=severity, seed=seed) for severity in severities)
        accuracies[kind] = [float(np.mean(pipeline.predict(some) == labels)) for some in spoilt]
    table = pd.DataFrame.from_dict(accuracies, orient="index", columns=pd.Index(severities, name="severity"))
    table.index.name = "kind"
    table.attrs["n"] = len(rows)
    return table

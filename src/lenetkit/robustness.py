"""Accuracy of a pipeline on corrupted images.

In: a fitted pipeline and data with ink bright on black. Out: a pandas table of accuracies, kind by severity.
Next: ``Evaluation.to_html(..., corruptions=table)`` shows it in a report.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.validation import check_whole
from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError
from lenetkit.synthesis import CORRUPTIONS, corrupt

if TYPE_CHECKING:
    import pandas as pd

    from lenetkit.pipeline import Pipeline

__all__ = ["measure_robustness"]


def measure_robustness(
    pipeline: "Pipeline",
    data: Dataset,
    *,
    kinds: Sequence[str] = CORRUPTIONS,
    severities: Sequence[int] = (1, 2, 3, 4, 5),
    max_images: int = 1000,
    seed: int = 0,
) -> "pd.DataFrame":
    """Measure the accuracy on images with the corruptions of MNIST-C.

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
        Of a larger data set so many images are used, evenly spaced.
    seed : int, default 0
        Decides the random part of the corruptions.

    Returns
    -------
    pandas.DataFrame
        Accuracy in [0, 1]: a row for each kind, indexed by ``kind``, and a column for each severity. The first row,
        ``clean``, is that of the same images without corruption. ``attrs["n"]`` is the number of images.

    Raises
    ------
    SettingError
        If there is no such kind or severity, or `max_images` is not a positive integer.
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
    require_library("the table of accuracies on corrupted images", "pandas")
    import pandas as pd

    check_whole("max_images", max_images, 1)
    if not len(data):
        raise DataError("there are no images to corrupt: the data set is empty.")
    rows = np.linspace(0, len(data) - 1, min(max_images, len(data))).astype(int)
    images, labels = np.asarray(data.images[rows]), data.labels[rows]
    accuracies = {"clean": [float(np.mean(pipeline.predict(images) == labels))] * len(severities)}
    for kind in kinds:
        accuracies[kind] = [
            float(np.mean(pipeline.predict(corrupt(images, kind, severity=severity, seed=seed)) == labels))
            for severity in severities
        ]
    table = pd.DataFrame.from_dict(accuracies, orient="index", columns=pd.Index(severities, name="severity"))
    table.index.name = "kind"
    table.attrs["n"] = len(rows)
    return table

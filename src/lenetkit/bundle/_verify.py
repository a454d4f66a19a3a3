"""The check of a saved pipeline's answers, on the golden inputs that it carries."""

import numpy as np

from lenetkit.bundle._bundle import Bundle
from lenetkit.exceptions import BundleError
from lenetkit.runtime import Predictor

__all__ = ["verify_bundle"]

# Measured: LiteRT on another processor differs by less than 1e-6. A wider bound would pass other weights.
_TOLERANCE = 1e-5


def verify_bundle(bundle: Bundle) -> float:
    """Let the LiteRT model answer the golden inputs.

    Returns
    -------
    float
        The greatest difference between a probability and the one it must be.

    Raises
    ------
    BundleError
        If it exceeds 1e-5, or LiteRT cannot use the model.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle, verify_bundle
    >>> from lenetkit.pretrained import path_of
    >>> verify_bundle(read_bundle(path_of("digits"))) <= 1e-5
    True
    """
    answers = Predictor(bundle.tflite).predict_proba(bundle.golden_images)
    if answers.shape != bundle.golden_probabilities.shape:
        raise BundleError(
            f"the model answers with {answers.shape[1]} probabilities; there are {bundle.n_classes} classes."
        )
    difference = float(np.abs(answers.astype(np.float64) - bundle.golden_probabilities).max())
    if not difference <= _TOLERANCE:
        raise BundleError(
            f"the model does not give the answers that were saved with it: a probability is off by {difference:.3g}, "
            f"more than {_TOLERANCE:g}. Save the pipeline again."
        )
    return difference

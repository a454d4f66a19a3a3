"""The check of a bundle's networks on the inputs whose answers it holds."""

import numpy as np

from lenetkit.bundle._bundle import Bundle
from lenetkit.exceptions import BundleError

__all__ = ["verify_bundle"]

# Measured: runtimes and processors differ by less than 1e-6, where a network is sure of its answer or has few layers. A
# wider bound would pass other weights.
_TOLERANCE = 1e-5


def verify_bundle(bundle: Bundle, *, runtime: str | None = None) -> float:
    """Let the networks answer the golden inputs.

    Parameters
    ----------
    bundle : Bundle
    runtime : {"litert", "numpy", "onnx"}, optional
        As for :class:`lenetkit.runtime.Predictor`.

    Returns
    -------
    float
        The greatest difference between a probability and the one it must be.

    Raises
    ------
    BundleError
        If it exceeds 1e-5, or an answer has the wrong shape.
    DataError
        If the runtime cannot use a network.
    SettingError, MissingExtraError
        If the runtime is unknown or not installed.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle, verify_bundle
    >>> from lenetkit.pretrained import get_path
    >>> verify_bundle(read_bundle(get_path("digits"))) <= 1e-5
    True
    """
    from lenetkit.runtime import Predictor, SweptPredictor

    answers = Predictor(bundle.tflite, runtime=runtime).predict_proba(bundle.golden_images)
    if answers.shape != bundle.golden_probabilities.shape:
        raise BundleError(
            f"the model answers with {answers.shape[1]} probabilities; there are {bundle.n_classes} classes."
        )
    difference = float(np.abs(answers.astype(np.float64) - bundle.golden_probabilities).max())
    if bundle.rejection is not None:
        gate = Predictor(bundle.rejection.gate_tflite, runtime=runtime)
        if (gate.input_shape, gate.n_classes) != (bundle.input_shape, 2):
            raise BundleError(
                f"the gate takes images of shape {gate.input_shape} and gives {gate.n_classes} probabilities; it must "
                f"be {bundle.input_shape} and 2."
            )
    if (reader := bundle.line_reader) is not None:
        swept = SweptPredictor(reader.tflite, pitch=reader.pitch, runtime=runtime)
        spoken = swept.log_probabilities(reader.golden_line)
        if spoken.shape != reader.golden_answer.shape:
            raise BundleError(f"the line reader answers with shape {spoken.shape}, not {reader.golden_answer.shape}.")
        difference = max(difference, float(np.abs(np.exp(spoken) - np.exp(reader.golden_answer)).max()))
    if not difference <= _TOLERANCE:
        raise BundleError(
            f"the model does not give the answers that were saved with it: a probability is off by {difference:.3g}, "
            f"more than {_TOLERANCE:g}. Save the pipeline again."
        )
    return difference

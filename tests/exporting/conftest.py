"""A model, inputs and an export of it, shared by the tests of this room, so that TensorFlow converts it once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="package")
def model() -> Any:
    """Return LeNet-5 with weights that give each image its own answer."""
    from lenetkit.models import create_model

    built = create_model(seed=1)
    rng = np.random.default_rng(1)
    built.set_weights([rng.normal(0, 0.1, weights.shape).astype(np.float32) for weights in built.get_weights()])
    return built


@pytest.fixture(scope="package")
def images() -> np.ndarray:
    """Return eight inputs of LeNet-5."""
    return np.random.default_rng(0).random((8, 28, 28, 1), dtype=np.float32)


@pytest.fixture(scope="package")
def exported(model: Any, images: np.ndarray) -> Callable[..., Any]:
    """Return a function that exports the model, with settings replaced at will."""
    from lenetkit.exporting import convert_to_litert, export
    from lenetkit.runtime import Predictor

    tflite = convert_to_litert(model)
    settings = {
        "tflite": tflite,
        "build_model": lambda: model,
        "golden_images": images,
        "golden_probabilities": Predictor(tflite).predict_proba(images),
        "classes": np.arange(10),
        "preprocessing": {"transforms": [{"name": "rescale", "settings": {}}]},
    }

    def run(path: Path, **changes: Any) -> Any:
        if changes.get("format") == "onnx":
            pytest.importorskip("tf2onnx")
            pytest.importorskip("onnxruntime")
        return export(path, **(settings | changes))

    return run

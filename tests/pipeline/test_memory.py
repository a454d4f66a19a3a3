"""Memory: what was trained and let go of leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lenetkit import Pipeline, Trainer

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memory_per_fit.py"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_models_that_were_trained_leave_no_memory_behind() -> None:
    """Half a megabyte each at most, where the graph of each takes five to ten."""
    program = f"import runpy; print(runpy.run_path({str(BENCHMARK)!r})['measure'](18)[1])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout.split()[-1]) < 0.5


def test_nothing_of_a_graph_is_registered_for_ever() -> None:
    """TensorFlow never forgets a gradient function, nor the graph that it was traced in."""
    from tensorflow.python.framework import ops

    images, labels = np.random.default_rng(0).integers(0, 256, (60, 28, 28), dtype=np.uint8), np.arange(60) % 10

    def fit() -> set[str]:
        pipeline = Pipeline("mlp", trainer=Trainer(epochs=1, verbose=0))
        pipeline.fit(images, labels, validation_data=(images, labels)).predict(images)
        assert "_all_reduce_sum_gradients" not in vars(pipeline.model_.optimizer)
        return set(ops.gradient_registry.list())

    assert fit() == fit()

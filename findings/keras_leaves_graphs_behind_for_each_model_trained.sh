#!/usr/bin/env bash
# Keras on TensorFlow: what a trained model leaves in the process once it is deleted.
#
# Guess before running: after `del model`, `keras.backend.clear_session()` and a garbage collection, no graph that was
# traced for its training is left; memory is flat over many trainings in one process, as in a grid search.
# Seen with Keras 3.15.1 and TensorFlow 2.21.0: two traced graphs more for each training with Adam, one with SGD. Keras
# sums gradients over replicas by an operation with a gradient function of its own, even where there is one replica, and
# TensorFlow's registry of gradient functions forgets none; each holds the graph that it was traced in, 5 to 10 MB for a
# network such as LeNet-5.
# Why it matters: 40 trainings of a small network take some 300 MB that no call gives back; use a process for each.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "keras==3.15.1" "tensorflow==2.21.0"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/environment/bin/python" - 2>/dev/null <<'PYTHON'
import gc

import keras
import numpy as np
import tensorflow as tf

print("Keras", keras.__version__, "TensorFlow", tf.__version__)


def count_graphs():
    gc.collect()
    return sum(type(item).__name__ == "FuncGraph" for item in gc.get_objects())


images, labels = np.zeros((256, 28, 28, 1), np.float32), np.zeros(256, int)
for optimizer, more in (("adam", 2), ("sgd", 1)):
    left = [count_graphs()]
    for _ in range(4):
        layers = [keras.layers.Conv2D(6, 5), keras.layers.Flatten(), keras.layers.Dense(10)]
        model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
        model.compile(optimizer=optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(images, labels, epochs=1, verbose=0)
        del model, layers
        keras.backend.clear_session()
        left.append(count_graphs())
    print(f"{optimizer}: graphs alive before and after each of four trainings: {left}")
    assert np.diff(left).tolist() == [more] * 4, "Keras leaves another number of graphs behind now"
PYTHON

#!/usr/bin/env bash
# NumPy: what the sums of the rows of 28x28 images cost, taken as products with a vector of ones.
#
# Guess before running: a product of all rows of 640 images by ones takes a fraction of a millisecond of the processor,
# and a process that sleeps afterwards takes none; nothing changes between 500 and 640 images.
# Seen with NumPy 2.4.6 (its wheel brings OpenBLAS 0.3.31), on two cores: from some 590 images on the product is shared
# among threads, and each that waits for more work spins for 0.1 s: 104 ms of the processor for 0.2 ms of work. The same
# sums as a stack of products, image by image, give the same numbers and leave no thread spinning.
# Why it matters: a network that answers right after such a preparation, in threads of another library (LiteRT, ONNX
# Runtime), loses a core for that long; 10,000 digits took 1.4 times as long.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6"
"$folder/environment/bin/python" - <<'PYTHON'
import os
import statistics
import time

import numpy as np

cores = len(os.sched_getaffinity(0))
print("NumPy", np.__version__, "on", cores, "cores")
assert cores > 1, "with one core there are no other threads: nothing can be seen here"
ones = np.ones(28, np.float32)
images = np.random.default_rng(0).integers(0, 256, (640, 28, 28)).astype(np.float32)


def processor_ms(product):
    """Return the median of the processor's milliseconds of a product and 0.3 s of sleep."""
    used = []
    for _ in range(5):
        time.sleep(0.3)
        start = time.process_time()
        product()
        time.sleep(0.3)
        used.append(1e3 * (time.process_time() - start))
    return statistics.median(used)


few, many = images[:500].reshape(-1, 28), images.reshape(-1, 28)
used = {
    "500 images, all rows at once": processor_ms(lambda: few @ ones),
    "640 images, all rows at once": processor_ms(lambda: many @ ones),
    "640 images, one after the other": processor_ms(lambda: images @ ones),
}
for name, milliseconds in used.items():
    print(f"{name}: {milliseconds:.1f} ms of the processor")
assert np.array_equal((many @ ones).reshape(640, 28), images @ ones)
at_once_few, at_once, in_turn = used.values()
assert at_once_few < 10 and in_turn < 10, "now these leave threads spinning, too"
assert at_once > 30, "NumPy leaves no thread spinning any more"
PYTHON

"""Time ``read_number`` of the lenetkit that this Python has, image by image, as ``whole_numbers.py`` asks for it.

    python benchmarks/time_numbers.py [FILE.lenet]

For each line of standard input, the path of an image, the processor time of one reading is printed in seconds. So two
versions, each in an interpreter of its own, can take turns. Without a FILE the pretrained pipeline reads.
"""

import sys
import time

import numpy as np
from PIL import Image

from lenetkit import Pipeline

if __name__ == "__main__":
    pipeline = Pipeline.load(sys.argv[1]) if len(sys.argv) > 1 else Pipeline.pretrained()
    for line in sys.stdin:
        with Image.open(line.strip()) as file:
            image = np.asarray(file)
        begun = time.process_time()
        pipeline.read_number(image)
        print(time.process_time() - begun, flush=True)

"""Twenty lines of OpenCV and LiteRT, as a user would write them, for ``pile.py``; nothing of lenetkit is imported.

python _pile_opencv.py MODEL.tflite LIST          LIST: a JSON file, the paths of the pictures
"""

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path=sys.argv[1], num_threads=2)
interpreter.allocate_tensors()
ENTRY, EXIT = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]


def read(path: str) -> int:
    """Return the digit in a picture: Otsu's threshold, the largest contour, 20 x 20 pixels, the centre of mass."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if min(grey.shape) > 100:
        grey = cv2.GaussianBlur(grey, (5, 5), 0)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    inverted = cv2.THRESH_BINARY_INV if np.median(border) > 127 else cv2.THRESH_BINARY
    _, ink = cv2.threshold(grey, 0, 255, inverted + cv2.THRESH_OTSU)
    contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    left, top, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
    scale = 20 / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    digit = cv2.resize(ink[top : top + height, left : left + width], size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(digit)
    x, y = (round(14 - moments[key] / moments["m00"]) for key in ("m10", "m01"))
    image = cv2.warpAffine(digit, np.float32([[1, 0, x], [0, 1, y]]), (28, 28))
    interpreter.set_tensor(ENTRY, (image.astype(np.float32) / 255)[None, ..., None])
    interpreter.invoke()
    return int(interpreter.get_tensor(EXIT)[0].argmax())


if __name__ == "__main__":
    paths = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    read(paths[0])
    wall, used = time.perf_counter(), os.times()
    answers = [read(path) for path in paths]
    wall, after = time.perf_counter() - wall, os.times()
    processor = after.user + after.system - used.user - used.system
    print(json.dumps({"wall": wall, "processor": processor, "answers": answers}))

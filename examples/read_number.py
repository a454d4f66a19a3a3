"""Whole numbers in one image: two lines on ruled paper in bad light, each digit with its box and probability.

Read an image of several digits, use the reading, say what is known beforehand, and draw it.

    python examples/read_number.py                        reads an image that it draws
    python examples/read_number.py photo.jpg              reads yours
    python examples/read_number.py photo.jpg --length 5   a number of five digits on each line
    python examples/read_number.py --annotate out.png     draws the reading
"""

import argparse
from pathlib import Path

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits, draw_number, draw_paper


def main(photo: Path | None, length: int | None, target: Path | None) -> None:
    # Bundled with lenetkit: no training, no network connection, no TensorFlow.
    pipe = Pipeline.pretrained()
    digits = draw_digits(1000, styles=["american", "continental"], seed=1)
    print("single digits:", pipe.evaluate(digits.images, digits.labels).summary_line)

    if photo is None:
        number = draw_number("1947\n30582", style="continental", seed=4)
        light = {"shadow": 0.4, "shade": (235, 228, 205)}
        paper = draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, **light)
        picture = number.on(paper, ink=(40, 50, 130))
    else:
        picture = photo
    reading = pipe.read_number(picture, length=length)
    print("text:", ", ".join(reading.lines) or "none")
    print("as it stands there:", repr(reading.raw), "in groups:", ", ".join(reading.groups) or "none")
    for digit in reading.digits:
        print(f"line {digit.line}: {digit.label} with probability {digit.probability:.2f} in the box {digit.box}")
    for text, probability in reading.alternatives(3):
        print(f"{text!r} is right as a whole with probability {probability:.3f}")

    if photo is None:
        # What is known is searched for: no other number can come out. What is not sure enough is rejected.
        known = {
            "a length of 4 to 5": {"length": (4, 5)},
            "a pattern of 4 digits, and one that may be missing": {"pattern": "#?####"},
            "the numbers that are possible": {"among": [1847, 1947, 30582, 30583]},
        }
        for name, rule in known.items():
            found = pipe.read_number(picture, reject=0.05, **rule)
            answer = f"rejected, as {found.reason}" if found.rejected else ", ".join(found.lines)
            print(f"knowing {name}: {answer}")
    if target is not None:
        reading.plot().figure_.savefig(target)
        print(f"the picture with its boxes is in {target}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Read whole numbers from a picture.")
    parser.add_argument("photo", nargs="?", type=Path, help="a picture of your own; default: one is drawn")
    parser.add_argument("--length", type=int, metavar="N", help="digits of each number, if you know")
    parser.add_argument("--annotate", type=Path, metavar="FILE", help="draw what was found into this file")
    given = parser.parse_args()
    main(given.photo, given.length, given.annotate)

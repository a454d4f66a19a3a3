"""Your own images: a folder with one sub-folder of image files for each class.

The layout of the folder, transforms that fit your images (here dark ink on white paper, in several sizes), and
predictions for single files.

    python examples/own_folder.py                   draws a folder from the bundled digits and trains on it
    python examples/own_folder.py --folder PICTURES trains on yours
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.transforms import Grayscale, Invert, Rescale, Resize


def main(folder: Path) -> None:
    data = load_dataset(folder)
    print(data)
    print(data.describe().to_string())
    train, test = data.split(test_size=0.10, seed=0)

    # LeNet-5 is usually trained on ink that is bright on black, as in MNIST. Any callable on images can be a step.
    steps = [Grayscale(), Invert(), Resize((28, 28)), Rescale()]
    pipe = Pipeline(transforms=steps, trainer=Trainer(epochs=30, verbose=0))
    pipe.fit(train.images, train.labels)
    print(pipe.evaluate(test.images, test.labels))

    for path in sorted(folder.glob("*/*.png"))[::200]:
        print(f"{path.relative_to(folder)} is read as {pipe.predict(path)[0]}")


def draw_pictures(folder: Path) -> None:
    """Write the bundled digits like scans: one PNG each, dark on white, in different sizes."""
    digits = load_dataset("digits")
    sides = np.random.default_rng(0).integers(16, 33, len(digits))
    for number, (image, label) in enumerate(digits):
        path = folder / str(label) / f"{number:04}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(255 - image).resize((sides[number], sides[number]), Image.Resampling.BICUBIC).save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learn from a folder of one's own pictures.")
    parser.add_argument("--folder", type=Path, help="one sub-folder of image files for each class")
    own = parser.parse_args().folder
    if own is not None:
        main(own)
    else:
        with tempfile.TemporaryDirectory() as drawn:
            draw_pictures(Path(drawn))
            main(Path(drawn))

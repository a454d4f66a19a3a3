"""Digits in real-world images: any photo, scan or drawing converted to MNIST's format.

A model with a high accuracy on its test images fails on a page; MnistNormalize solves this, and augmentation varies
the stroke width and noise of the training images.

    python examples/real_pictures.py                   trains on drawn digits, then reads pages with lines and shadows
    python examples/real_pictures.py --output PICTURES also writes pages and their normalised images there
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from lenetkit import Pipeline, Trainer
from lenetkit.augment import Compose as Several
from lenetkit.augment import Erase, Noise, Stroke, Warp
from lenetkit.synthesis import draw_digits, draw_paper
from lenetkit.transforms import Compose, Grayscale, Invert, MnistNormalize, Rescale, Resize


def main(output: Path | None) -> None:
    train, test = draw_digits(4000, seed=1), draw_digits(100, size=140, seed=2)
    pages = [on_paper(ink, seed) for seed, ink in enumerate(test.images)]

    plainly = Compose([Grayscale(), Invert(), Resize((28, 28)), Rescale()])
    normally = Compose([MnistNormalize(), Rescale()])
    vary = Several([Warp(), Stroke(), Noise(), Erase()])
    model = Pipeline(transforms=normally, trainer=Trainer(epochs=4, augmentation=vary, verbose=0))
    print(model.fit(train.images, train.labels).evaluate(test.images, test.labels))

    for name, transforms in (("inverted and resized", plainly), ("by MnistNormalize", normally)):
        probabilities = model.model_.predict(np.asarray(transforms(pages))[..., None], verbose=0)
        print(f"pages {name}: {np.mean(probabilities.argmax(axis=1) == test.labels):.0%} read")

    steps = MnistNormalize().steps(pages[0])
    print("the steps:", ", ".join(f"{name} {picture.shape}" for name, picture in steps.items()))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for number, (page, image) in enumerate(zip(pages[:10], MnistNormalize()(pages[:10]), strict=True)):
            Image.fromarray(page).save(output / f"{number}.png")
            Image.fromarray(image).save(output / f"{number}-normal.png")
        print(f"ten pages and what became of them are in {output}")


def on_paper(ink: np.ndarray, seed: int) -> np.ndarray:
    """Return a ruled page with shadow, noise and a digit at a random position."""
    place = np.random.default_rng(seed)
    page = draw_paper(300, 260, ruling="ruled", shadow=0.5, noise=4.0, seed=seed).astype(float)
    down, right = place.integers(10, 150), place.integers(10, 110)
    part = page[down : down + len(ink), right : right + len(ink)]
    part *= 1 - 0.75 * ink / 255
    return np.rint(page).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Read digits from pages.")
    parser.add_argument("--output", type=Path, help="folder to write pictures to")
    main(parser.parse_args().output)

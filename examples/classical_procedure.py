"""The classical procedure, step by step.

The steps from a data set to an accuracy; each piece can be used without the others.
:class:`lenetkit.Pipeline` does the same in one object; see ``pipeline_in_ten_lines.py``.

    python examples/classical_procedure.py                          MNIST if available, otherwise digits
    python examples/classical_procedure.py --dataset digits         the bundled digits, in seconds
    python examples/classical_procedure.py --dataset mnist --epochs 1
"""

import argparse

import numpy as np

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.encoder import LabelEncoder
from lenetkit.evaluator import evaluate
from lenetkit.exceptions import DownloadError
from lenetkit.models import create_model
from lenetkit.trainer import Trainer
from lenetkit.transforms import Compose, Grayscale, Rescale, Resize


def main() -> None:
    options = parse_options()

    print("1. Load the images and look at them")
    data = load(options.dataset)
    print(data)
    print(data.describe().to_string())

    print("\n2. Grey, and all of one size: the network has one input for each pixel")
    same_size = Compose([Grayscale(), Resize((28, 28))])
    images = same_size(data.images)
    print(f"images: {images.shape}, {images.dtype} from {images.min()} to {images.max()}")

    print("\n3. Keep 10 % for testing: what the network has seen says nothing about what it has understood")
    prepared = Dataset(images=images, labels=data.labels, class_names=data.class_names, name=data.name)
    train, test = prepared.split(test_size=0.10, seed=0)
    print(f"{len(train):,} images to train on, {len(test):,} to test on")

    print("\n4. Scale 0..255 to 0..1: small numbers keep the first steps of training small")
    scale = Rescale()
    train_images, test_images = scale(train.images), scale(test.images)
    print(f"training images: {train_images.dtype} from {train_images.min():g} to {train_images.max():g}")

    print("\n5. Encode the labels: one output for each digit, and 1 is the one that should be on")
    encoder = LabelEncoder()
    targets = encoder.fit_transform(train.labels)
    print(f"label {train.labels[0]} becomes {targets[0].astype(int)}, targets: {targets.shape}")

    print("\n6. Build LeNet-5")
    model = create_model("lenet5", input_shape=(28, 28, 1), n_classes=len(encoder.classes_), seed=0)
    model.summary()

    epochs = options.epochs or data.epochs
    print(f"\n7. Train: Adam, categorical cross-entropy, {epochs} epochs")
    batch_size = 128 if len(train) >= 10_000 else 32  # smaller batches give more steps
    trainer = Trainer.preset("classic", epochs=epochs, batch_size=batch_size, seed=0, verbose=2)
    result = trainer.fit(model, train_images, targets)
    print(result)

    print("\n8. Test on the images that it has not seen")
    probabilities = model.predict(test_images[..., np.newaxis], verbose=0)
    print("said:", encoder.inverse_transform(probabilities[:15]))
    print("true:", test.labels[:15])
    print(evaluate(test.labels, probabilities, encoder.classes_))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The classical procedure, step by step, each piece alone.")
    parser.add_argument("--dataset", metavar="NAME|PATH", help="default: MNIST if it is on this machine, else digits")
    parser.add_argument("--epochs", type=int, help="default: as many as the data set needs")
    return parser.parse_args()


def load(name: str | None) -> Dataset:
    if name is not None:
        return load_dataset(name)
    try:
        return load_dataset("mnist", download=False)
    except DownloadError:
        return load_dataset("digits")


if __name__ == "__main__":
    main()

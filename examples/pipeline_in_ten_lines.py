"""The classical procedure in ten lines: load, split, train, evaluate, save, load, predict.

:class:`lenetkit.Pipeline` combines all steps; see ``classical_procedure.py`` for each step alone.

    python examples/pipeline_in_ten_lines.py           MNIST if available, otherwise the bundled digits
"""

import tempfile
from pathlib import Path

from lenetkit import Dataset, Pipeline, Trainer, load_dataset
from lenetkit.exceptions import DownloadError


def main(file: Path) -> None:
    digits = mnist_or_digits()
    train, test = digits.split(test_size=0.10, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=digits.epochs, verbose=0))
    pipe.fit(train.images, train.labels)
    print(f"trained on {digits.name}: {pipe.result_}")
    print(pipe.evaluate(test.images, test.labels))
    pipe.save(file)

    loaded = Pipeline.load(file)  # no TensorFlow from here on
    print("said:", loaded.predict(test.images[:15]))
    print("true:", test.labels[:15])


def mnist_or_digits() -> Dataset:
    try:
        return load_dataset("mnist", download=False)
    except DownloadError:
        return load_dataset("digits")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder) / "digits.lenet")

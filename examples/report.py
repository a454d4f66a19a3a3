"""A report in one file, and the feature maps of every layer.

Write a report that opens offline, compute the figures of its curves, and look inside a network.

    python examples/report.py                     writes report.html and maps.png into a temporary folder
    python examples/report.py --folder results    or into your folder
"""

import argparse
import tempfile
from pathlib import Path

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.diagnosis import feature_maps


def main(folder: Path) -> None:
    digits = load_dataset("digits")
    train, test = digits.split(test_size=0.10, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=digits.epochs, verbose=0))
    pipe.fit(train.images, train.labels, validation_data=(test.images, test.labels))

    evaluation = pipe.evaluate(test.images, test.labels)
    print(evaluation.summary_line)
    print(f"calibration error: {evaluation.calibration_error:.2%}")
    curve = evaluation.rejection_curve()
    tenth = curve[curve["rejected"] >= 0.1].iloc[0]
    print(f"without the least sure {tenth['rejected']:.0%}: {tenth['errors']:.0f} of {tenth['answered']:.0f} wrong")

    # `data` adds the hardest digits, `pipeline` the settings and learning curves.
    path = evaluation.to_html(folder / "report.html", data=test, pipeline=pipe, title="LeNet-5 on small digits")
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, open it in a browser")

    maps = feature_maps(test.images[0], pipe)
    for name, values in maps.layers:
        print(f"{name}: {' x '.join(map(str, values.shape))}")
    print("read as", maps.label)
    maps.plot().figure_.savefig(folder / "maps.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a report, and draw what each layer sees.")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    given = parser.parse_args()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.folder)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))

"""``lenetkit train``: the classical procedure, step by step."""

from typing import TYPE_CHECKING, Any

import click

from lenetkit.cli._options import dataset_options, load_or_fall_back, tensorflow_quietly

if TYPE_CHECKING:
    from lenetkit.datasets import Dataset

__all__ = ["train"]

# Fewer images make few steps per epoch; smaller batches make up for it.
_MANY = 10_000


@click.command()
@dataset_options
@click.option("--model", default="lenet5", show_default=True, help="A name from `lenetkit models`.")
@click.option("--epochs", type=click.IntRange(0), help="Default: as many as the data set needs (MNIST: 5).")
@click.option("--batch-size", type=click.IntRange(1), help="Default: 128, with less than 10,000 images 32.")
@click.option(
    "--recipe",
    type=click.Choice(["default", "classic", "fast", "accurate", "recommended"]),
    default="default",
    show_default=True,
    help="How it is trained: classic is the procedure to the letter, Adam at a constant 0.001; recommended is what "
    "the model's record says.",
)
@click.option("--learning-rate", type=float, help="A constant rate instead of the recipe's.")
@click.option("--test-size", type=float, default=0.1, show_default=True, help="Share of the images kept for testing.")
@click.option("--official", is_flag=True, help="Use the data set's official training and test parts instead.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides every random draw.")
@click.option("--checkpoint", type=click.Path(file_okay=False), help="Folder to go on from after an interruption.")
@click.option("--output", type=click.Path(dir_okay=False), help="Save the trained pipeline to this file.")
def train(
    dataset: str | None,
    data_dir: str | None,
    download: bool,
    official: bool,
    test_size: float,
    output: str | None,
    **settings: Any,
) -> None:
    """Train a model and report its accuracy on images it has not seen.

    Without --dataset it trains on MNIST where MNIST can be had, and otherwise on the embedded 8 x 8 digits, saying so.
    The last line of output is made for scripts.

    \b
    Examples:
      lenetkit train
      lenetkit train --dataset mnist --official --recipe accurate --epochs 30
      lenetkit train --model lenet5_1998 --recipe recommended
      lenetkit train --dataset my_folder_of_images --epochs 20 --output mine.lenet
    """
    part = "train" if official else "all"
    data = load_or_fall_back(dataset, subset=part, data_dir=data_dir, download=download)
    _say("data", f"{data.name}: {len(data):,} images, {_kind(data)}, {len(data.class_names)} classes")
    _say("", "per class: " + ", ".join(f"{name} {count:,}" for name, count in _counts(data).items()))
    if official:
        from lenetkit.datasets import load_dataset

        learn, test = data, load_dataset(str(dataset or "mnist"), subset="test", data_dir=data_dir, download=download)
        _say("split", f"the predefined splits: {len(learn):,} images to train on, {len(test):,} to test on")
    else:
        learn, test = data.split(test_size=test_size, seed=settings["seed"])
        _say("split", f"{len(learn):,} images to train on, {len(test):,} ({test_size:.0%}) to test on, stratified")
    _train(learn, test, output=output, **settings)


def _train(
    learn: "Dataset",
    test: "Dataset",
    *,
    model: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    recipe: str,
    checkpoint: str | None,
    seed: int,
    output: str | None,
) -> None:
    with tensorflow_quietly():
        import keras  # noqa: F401
    from lenetkit.pipeline import Pipeline
    from lenetkit.trainer import Trainer

    wanted = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "checkpoint": checkpoint}
    changes = {name: value for name, value in wanted.items() if value is not None}
    preset = _preset(recipe, model)
    trainer = Trainer.preset(**{**preset, **_needs(preset, learn), **changes}, seed=seed)
    pipeline = Pipeline(model, trainer=trainer)
    _say("scale", "grey, resized to the model's input, 0..255 to 0..1")
    _say("encode", f"{len(learn.class_names)} classes as one-hot rows")
    _say("model", model)
    pipeline.summary()
    _say("train", f"recipe {recipe}: {trainer.epochs:g} epochs, {trainer.optimizer} at {_rate(trainer)}")
    _say("", f"categorical cross-entropy, batches of {trainer.batch_size}, augmentation {trainer.augmentation}")
    pipeline.fit(learn.images, learn.labels)
    _say("", str(pipeline.result_))
    if output is not None:
        _say("save", str(pipeline.save(output, notes={"data set": learn.name})))
    evaluation = pipeline.evaluate(test.images, test.labels)
    _say("test", f"{model} on {learn.name}, {len(test):,} images that it has not seen")
    click.echo(str(evaluation))
    click.echo(evaluation.summary_line)


def _preset(recipe: str, model: str) -> dict[str, Any]:
    """Return the arguments of `Trainer.preset`."""
    if recipe != "recommended":
        return {"name": recipe}
    from lenetkit.models import model_info

    return {"name": "default", **model_info(model).preset}


def _needs(preset: dict[str, Any], learn: "Dataset") -> dict[str, Any]:
    """Return the epochs and the batch size that a data set needs where its record or its size say so."""
    if len(learn) < _MANY:
        return {"epochs": learn.epochs, "batch_size": 32}
    return {} if "epochs" in preset or preset["name"] in ("fast", "accurate") else {"epochs": learn.epochs}


def _rate(trainer: Any) -> str:
    rate = trainer.learning_rate
    return f"a constant {rate:g}" if isinstance(rate, float) else str(rate)


def _say(step: str, text: str) -> None:
    click.echo(f"{click.style(f'{step:<7}', bold=True)} {text}")


def _kind(data: "Dataset") -> str:
    return f"{' x '.join(map(str, data.images.shape[1:]))} pixels, {data.images.dtype} 0..255"


def _counts(data: "Dataset") -> dict[str, int]:
    import numpy as np

    values, counts = np.unique(data.labels, return_counts=True)
    names = [data.class_names[v] if np.issubdtype(values.dtype, np.integer) else str(v) for v in values]
    return dict(zip(names, counts.tolist(), strict=True))

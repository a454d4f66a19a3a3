"""``lenetkit train``: the classical procedure, step by step."""

from functools import partial
from typing import Any, NoReturn

import click

import lenetkit
from lenetkit._utils.extras import require_library
from lenetkit._utils.printable import printable
from lenetkit.cli._options import dataset_options, load_or_fall_back, start_tensorflow, test_size_option
from lenetkit.cli._outputs import check_checkpoint, check_output, name_part_trained, refuse_input, save_or_rescue
from lenetkit.cli._streams import keep_going

__all__ = ["train"]

# Fewer images make few steps per epoch; smaller batches make up for it.
_MANY = 10_000

# Spellings of version 0.1, still accepted.
_OLD_WORDS = {"recipe": "preset", "recommended": "model", "official": "predefined-split"}


@click.command(context_settings={"token_normalize_func": lambda word: _OLD_WORDS.get(word, word)})
@dataset_options
@click.option("--model", default="lenet5", show_default=True, help="A name from `lenetkit models`.")
@click.option("--epochs", type=click.IntRange(0), help="Default: as many as the data set needs (MNIST: 5).")
@click.option("--batch-size", type=click.IntRange(1), help="Default: 128, with less than 10,000 images 32.")
@click.option(
    "--preset",
    type=click.Choice(["default", "classic", "fast", "accurate", "model"]),
    default="default",
    show_default=True,
    help="Settings of the training: classic is the procedure to the letter, Adam at a constant 0.001; model is the "
    "preset in the model's record.",
)
@click.option("--learning-rate", type=float, help="A constant rate instead of the preset's.")
@test_size_option(default=0.1)
@click.option("--predefined-split", is_flag=True, help="Use the data set's own training and test parts instead.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides every random draw.")
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False),
    callback=check_checkpoint,
    help="Folder to go on from after an interruption.",
)
@click.option("--output", type=click.Path(), callback=check_output, help="Save the trained pipeline to this file.")
def train(
    dataset: str | None,
    data_dir: str | None,
    download: bool,
    predefined_split: bool,
    test_size: float,
    model: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    preset: str,
    checkpoint: str | None,
    seed: int,
    output: str | None,
) -> None:
    """Train a model and report its accuracy on images it has not seen.

    Without --dataset it trains on MNIST if available, otherwise on the embedded 8 x 8 digits (and prints a notice).
    Outputs and options are checked before anything is loaded. The last line of output is made for scripts. After
    Ctrl-C the exit code is 130 and the --output untouched: the part-trained pipeline goes into a file beside it.

    \b
    Examples:
      lenetkit train
      lenetkit train --dataset mnist --predefined-split --preset accurate --epochs 30
      lenetkit train --model lenet5_1998 --preset model
      lenetkit train --dataset my_folder_of_images --epochs 20 --output mine.lenet
    """
    require_library("training", "tensorflow", "keras", "pandas", "sklearn")
    refuse_input("--output", output, dataset)
    record = lenetkit.model_info(model)
    base = {"name": "default", **record.preset} if preset == "model" else {"name": preset}
    wanted = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "checkpoint": checkpoint}
    changes = {"seed": seed, **{name: value for name, value in wanted.items() if value is not None}}
    lenetkit.Trainer.preset(**{**base, **changes})
    load = partial(load_or_fall_back, dataset, data_dir=data_dir, download=download)
    data = load(subset="train" if predefined_split else "all")
    kind = f"{' x '.join(map(str, data.images.shape[1:]))} pixels, {data.images.dtype} 0..255"
    _say("data", f"{data.name}: {len(data):,} images, {kind}, {len(data.class_names)} classes")
    _say("", "per class: " + ", ".join(f"{name} {count:,}" for name, count in _counts(data).items()))
    if predefined_split:
        learn, test = data, load(subset="test")
        _say("split", f"the predefined splits: {len(learn):,} images to train on, {len(test):,} to test on")
    else:
        learn, test = data.split(test_size=test_size, seed=seed)
        _say("split", f"{len(learn):,} images to train on, {len(test):,} ({test_size:.0%}) to test on, stratified")
    keep_going()
    start_tensorflow()
    trainer = lenetkit.Trainer.preset(**{**base, **_data_settings(base, learn), **changes})
    _train(learn, test, model, trainer, f"preset {preset}", output)


def _train(
    learn: "lenetkit.Dataset",
    test: "lenetkit.Dataset",
    model: str,
    trainer: "lenetkit.Trainer",
    preset: str,
    output: str | None,
) -> None:
    pipeline = lenetkit.Pipeline(model, trainer=trainer)
    _say("scale", "grey, resized to the model's input, 0..255 to 0..1")
    _say("encode", f"{len(learn.class_names)} classes as one-hot rows")
    _say("model", model)
    pipeline.summary()
    rate = trainer.learning_rate
    shown = f"a constant {rate:g}" if isinstance(rate, float) else rate
    _say("train", f"{preset}: {trainer.epochs:g} epochs, {trainer.optimizer} at {shown}")
    _say("", f"categorical cross-entropy, batches of {trainer.batch_size}, augmentation {trainer.augmentation}")
    pipeline.fit(learn.images, learn.labels)
    _say("", str(pipeline.result_))
    notes = {"data set": learn.name}
    if pipeline.result_.stopped_by == "interrupt":
        _stop(pipeline, output, notes)
    saved = None if output is None else save_or_rescue(pipeline, output, notes)
    if saved is not None:
        _say("save", str(saved))
    evaluation = pipeline.evaluate(test.images, test.labels)
    _say("test", f"{model} on {learn.name}, {len(test):,} images that it has not seen")
    click.echo(f"{evaluation}\n{evaluation.summary_line}")
    click.get_current_context().exit(1 if output is not None and saved is None else 0)


def _stop(pipeline: "lenetkit.Pipeline", output: str | None, notes: dict[str, Any]) -> NoReturn:
    """Keep a part-trained pipeline beside the file that it was to become, and end as after any Ctrl-C."""
    if output is not None:
        kept = save_or_rescue(pipeline, name_part_trained(output), notes)
        if kept is not None:
            click.echo(
                f"{printable(output)} is untouched; the part-trained pipeline is in {printable(kept)}.", err=True
            )
    raise KeyboardInterrupt


def _data_settings(preset: dict[str, Any], learn: "lenetkit.Dataset") -> dict[str, Any]:
    """Return the epochs and the batch size that a data set needs, if its record or its size determines them."""
    if len(learn) < _MANY:
        return {"epochs": learn.epochs, "batch_size": 32}
    return {} if "epochs" in preset or preset["name"] in ("fast", "accurate") else {"epochs": learn.epochs}


def _say(step: str, text: str) -> None:
    click.echo(f"{click.style(f'{step:<7}', bold=True)} {printable(text)}")


def _counts(data: "lenetkit.Dataset") -> dict[str, int]:
    import numpy as np

    values, counts = np.unique(data.labels, return_counts=True)
    names = [data.class_names[v] if np.issubdtype(values.dtype, np.integer) else str(v) for v in values]
    return dict(zip(names, counts.tolist(), strict=True))

"""``lenetkit compare``: models side by side."""

import attrs
import click

import lenetkit
from lenetkit._utils.extras import require_library
from lenetkit._utils.printable import printable
from lenetkit.cli._options import dataset_options, load_or_fall_back, start_tensorflow, test_size_option
from lenetkit.cli._streams import keep_going

__all__ = ["compare"]


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@dataset_options
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Training runs of each model.")
@click.option("--epochs", type=click.IntRange(0), help="Default: as many as the data set needs (MNIST: 5).")
@test_size_option(default=0.2)
def compare(
    models: tuple[str, ...],
    dataset: str | None,
    data_dir: str | None,
    download: bool,
    seeds: int,
    epochs: int | None,
    test_size: float,
) -> None:
    """Train each MODEL with several seeds and compare their answers to the same test images.

    The p-value is of McNemar's test against the best model: small if the difference is no accident.

    \b
    Examples:
      lenetkit compare lenet1 lenet5 convnet
      lenetkit compare lenet5 mlp --dataset my_folder_of_images --seeds 3
    """
    require_library("comparing models", "tensorflow", "keras", "pandas", "sklearn")
    for model in models:
        lenetkit.model_info(model)
    data = load_or_fall_back(dataset, subset="all", data_dir=data_dir, download=download)
    if epochs is not None:
        data = attrs.evolve(data, epochs=epochs)
    keep_going()
    start_tensorflow()
    table = lenetkit.compare(models, data, seeds=seeds, test_size=test_size, verbose=1)
    click.echo(f"\n{printable(data.name)}: {len(data):,} images, {seeds} seed{'s' * (seeds > 1)}")
    formats = {
        **dict.fromkeys(("accuracy", "low", "high", "deviation"), "{:.2%}".format),
        "seconds": "{:.1f}".format,
        "parameters": "{:,}".format,
        "p_value": "{:.2g}".format,
    }
    click.echo(table.to_string(formatters=formats, na_rep="-"))

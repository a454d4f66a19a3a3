"""``lenetkit evaluate``: how good a saved pipeline is on some data."""

import click

from lenetkit.cli._options import dataset_options

__all__ = ["evaluate"]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@dataset_options
@click.option(
    "--subset", type=click.Choice(["all", "train", "test"]), default="all", show_default=True, help="Official part."
)
def evaluate(file: str, dataset: str | None, data_dir: str | None, download: bool, subset: str) -> None:
    """Measure the saved pipeline FILE on a data set.

    \b
    Examples:
      lenetkit evaluate digits.lenet --dataset mnist --subset test
      lenetkit evaluate digits.lenet --dataset my_folder_of_images
    """
    if dataset is None:
        raise click.UsageError("say what to measure on: --dataset NAME|PATH, for example --dataset mnist.")
    from lenetkit.datasets import load_dataset
    from lenetkit.pipeline import Pipeline

    pipeline = Pipeline.load(file)
    data = load_dataset(dataset, subset=subset, data_dir=data_dir, download=download)
    click.echo(f"{file} on {data.name}, {len(data):,} images")
    evaluation = pipeline.evaluate(data.images, data.labels)
    click.echo(str(evaluation))
    click.echo(evaluation.summary_line)

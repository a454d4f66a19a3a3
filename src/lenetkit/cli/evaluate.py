"""``lenetkit evaluate``: how good a pipeline is on some data."""

import sys
from typing import TYPE_CHECKING

import click

from lenetkit.cli._options import dataset_options
from lenetkit.cli._saved import pipeline_of, printable
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate"]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False), required=False)
@dataset_options
@click.option(
    "--subset", type=click.Choice(["all", "train", "test"]), default="all", show_default=True, help="Official part."
)
@click.option("--report", metavar="REPORT.html", help="Write everything that is known into one HTML file.")
@click.option("--corruptions", is_flag=True, help="Measure on spoilt images, too: 15 kinds, 5 severities.")
def evaluate(
    file: str | None,
    dataset: str | None,
    data_dir: str | None,
    download: bool,
    subset: str,
    report: str | None,
    corruptions: bool,
) -> None:
    """Measure the saved pipeline FILE on a data set; without FILE the one that comes with lenetkit.

    \b
    Examples:
      lenetkit evaluate digits.lenet --dataset mnist --subset test
      lenetkit evaluate digits.lenet --dataset my_folder_of_images
      lenetkit evaluate --dataset mnist --subset test --report report.html --corruptions
    """
    if dataset is None:
        raise click.UsageError("say what to measure on: --dataset NAME|PATH, for example --dataset mnist.")
    if report is not None and not report.lower().endswith((".html", ".htm")):
        raise SettingError(f"--report must end in .html; got {printable(report)}.")
    from lenetkit.datasets import load_dataset

    pipeline = pipeline_of(file)
    data = load_dataset(dataset, subset=subset, data_dir=data_dir, download=download)
    name = file or "the pretrained pipeline"
    click.echo(f"{name} on {data.name}, {len(data):,} images")
    evaluation = pipeline.evaluate(data.images, data.labels)
    table = None
    if corruptions:
        from lenetkit.robustness import measure_robustness

        table = measure_robustness(pipeline, data)
        click.echo(_as_text(table))
    click.echo(str(evaluation))
    if report is not None:
        settings = {"pipeline": name, "subset": subset}
        evaluation.to_html(report, data=data, pipeline=pipeline, corruptions=table, settings=settings)
        click.echo(f"the report is in {printable(report)}", file=sys.stderr)
    # Last, for scripts.
    click.echo(evaluation.summary_line)


def _as_text(table: "pd.DataFrame") -> str:
    heading = f"accuracy in % on {table.attrs['n']:,} images, spoilt by severity (3 is the published one)"
    return f"{heading}\n{(100 * table).rename_axis(index=None).to_string(float_format='{:.1f}'.format)}\n"

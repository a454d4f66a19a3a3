"""``lenetkit evaluate``: the accuracy of a pipeline on a data set."""

import sys
from functools import partial

import click

import lenetkit
from lenetkit._utils.extras import require_extra, require_library
from lenetkit._utils.printable import printable
from lenetkit.cli._options import dataset_options, only_one, pipeline_option, runtime_option
from lenetkit.cli._outputs import check_output, refuse_input
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going

__all__ = ["evaluate"]


@click.command()
@click.argument("old_file", metavar="", required=False)
@pipeline_option
@runtime_option
@dataset_options
@click.option(
    "--subset", type=click.Choice(["all", "train", "test"]), default="all", show_default=True, help="Predefined part."
)
@click.option(
    "--report",
    metavar="REPORT.html",
    callback=partial(
        check_output,
        suffixes=(".html", ".htm"),
        prepare=partial(require_extra, "a report", "plot", "matplotlib", "jinja2"),
    ),
    help="Write figures and drawings into one HTML file.",
)
@click.option("--corruptions", is_flag=True, help="Measure on corrupted images, too: 15 kinds, 5 severities.")
def evaluate(
    old_file: str | None,
    file: str | None,
    runtime: str | None,
    dataset: str | None,
    data_dir: str | None,
    download: bool,
    subset: str,
    report: str | None,
    corruptions: bool,
) -> None:
    """Measure a saved pipeline, or the one that comes with lenetkit, on a data set.

    \b
    Examples:
      lenetkit evaluate --dataset mnist --subset test
      lenetkit evaluate --pipeline digits.lenet --dataset my_folder_of_images
      lenetkit evaluate --dataset mnist --subset test --report report.html --corruptions
    """
    require_library("evaluating", "pandas")
    file = only_one(old_file, file)
    if dataset is None:
        raise click.UsageError("name the data to measure on: --dataset NAME|PATH, for example --dataset mnist.")
    refuse_input("--report", report, dataset, file)
    keep_going()
    pipeline = load_pipeline(file, runtime)
    data = lenetkit.load_dataset(dataset, subset=subset, data_dir=data_dir, download=download)
    name = file or "the pretrained pipeline"
    click.echo(f"{printable(name)} on {printable(data.name)}, {len(data):,} images")
    evaluation = pipeline.evaluate(data.images, data.labels)
    table = None
    if corruptions:
        from lenetkit.robustness import measure_robustness

        table = measure_robustness(pipeline, data)
        click.echo(f"accuracy in % on {table.attrs['n']:,} images, corrupted by severity (3 is the published one)")
        click.echo(f"{(100 * table).rename_axis(index=None).to_string(float_format='{:.1f}'.format)}\n")
    click.echo(str(evaluation))
    try:
        if report is not None:
            settings = {"pipeline": name, "subset": subset}
            evaluation.to_html(report, data=data, pipeline=pipeline, corruptions=table, settings=settings)
            click.echo(f"the report is in {printable(report)}", file=sys.stderr)
    finally:
        # Last, for scripts; also where the report cannot be written.
        click.echo(evaluation.summary_line)

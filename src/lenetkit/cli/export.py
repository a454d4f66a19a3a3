"""``lenetkit export``: the model of a saved pipeline for other runtimes."""

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._options import only_one, pipeline_option, start_tensorflow
from lenetkit.cli._outputs import try_output
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going
from lenetkit.exceptions import SettingError

__all__ = ["export"]

# Written out: the library's own table would cost `--help` the import of numpy.
_FORMATS = ("litert", "onnx", "saved_model", "keras")


@click.command()
@click.argument("paths", metavar="[FILE] PATH", nargs=-1, required=True)
@pipeline_option
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: the one that the suffix of PATH names.")
@click.option("--batch", type=int, metavar="N", help="Fix the number of images in a call (LiteRT and ONNX).")
def export(paths: tuple[str, ...], file: str | None, form: str | None, batch: int | None) -> None:
    """Write the model of the saved pipeline FILE to PATH, for another runtime.

    The file is run with its own runtime and kept only if it answers as the pipeline does. Beside it go the labels
    (PATH.labels.txt) and the steps that prepare an image (PATH.preprocessing.json). Without FILE it is the model of
    the pipeline that comes with lenetkit.

    LiteRT.js and CompiledModel cannot choose the number of images themselves: give them a file with --batch.

    \b
    Examples:
      lenetkit export digits.lenet digits.tflite
      lenetkit export digits.onnx --pipeline digits.lenet
      lenetkit export digits_1.tflite --batch 1
      lenetkit export pretrained_for_serving --format saved_model
    """
    *files, path = paths
    file = only_one(*files, file)
    from lenetkit.exporting import FORMATS, TOLERANCE, check_target, resolve_format

    if form is None and not path.lower().endswith(tuple(filter(None, FORMATS.values()))):
        raise SettingError(
            f"the name {printable(path)} does not tell the format: end it in "
            f"{', '.join(filter(None, FORMATS.values()))}, or give --format."
        )
    form = resolve_format(path, form)
    try_output(path, check_target, form, batch)
    keep_going()
    pipeline = load_pipeline(file)
    if form != "litert" or batch is not None:
        start_tensorflow()
    report = pipeline.export(path, format=form, batch=batch)
    for written in (report.path, report.labels, report.preprocessing):
        click.echo(printable(report.path.with_name(written.name)))
    click.echo(
        f"checked with the runtime of {form}: greatest difference {report.greatest_difference:.3g} "
        f"(at most {TOLERANCE:g} is accepted)"
    )

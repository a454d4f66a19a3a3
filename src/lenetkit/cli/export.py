"""``lenetkit export``: the model of a saved pipeline for other runtimes."""

from typing import TYPE_CHECKING, Any

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.cli._options import only_one, pipeline_option, start_tensorflow
from lenetkit.cli._outputs import refuse_input, try_output
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from lenetkit.exporting import ExportReport

__all__ = ["export"]

# Written out: the library's own table would cost `--help` the import of numpy.
_FORMATS = ("litert", "onnx", "saved_model", "keras", "c")
_QUANTIZE = ("int8", "float16", "dynamic")


@click.command()
@click.argument("paths", metavar="[FILE] PATH", nargs=-1, required=True)
@pipeline_option
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: the one that the suffix of PATH names.")
@click.option("--quantize", type=click.Choice(_QUANTIZE), help="A smaller file (LiteRT; of C: int8).")
@click.option("--batch", type=int, metavar="N", help="Fix the number of images in a call (LiteRT and ONNX).")
@click.option("--data", metavar="NAME|PATH", help="A data set, or a folder of labelled images, to measure on.")
@click.option("--subset", type=click.Choice(["all", "train", "test"]), default="all", help="Predefined part of it.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Folder in which data sets are kept.")
@click.option("--calibration", metavar="NAME|PATH", help="Images to calibrate int8 with; default: the file's own.")
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 1),
    default=0.005,
    show_default=True,
    help="Largest accepted loss of accuracy (without --data: fraction of changed answers).",
)
def export(
    paths: tuple[str, ...],
    file: str | None,
    form: str | None,
    quantize: str | None,
    batch: int | None,
    data: str | None,
    subset: str,
    data_dir: str | None,
    calibration: str | None,
    max_drop: float,
) -> None:
    """Write the model of the saved pipeline FILE to PATH, for another runtime.

    The file is run with its own runtime (C: in NumPy, with the same numbers) and kept only if it answers as the
    pipeline does; a quantised one may lose a little. Beside it go the labels (PATH.labels.txt) and the steps that
    prepare an image (PATH.preprocessing.json). Without FILE it is the model of the pipeline that comes with lenetkit.

    PATH ends in .tflite, .onnx, .keras or .h (C), or is a folder with --format saved_model. LiteRT.js and
    CompiledModel cannot choose the number of images themselves: give them a file with --batch.

    \b
    Examples:
      lenetkit export digits.lenet digits.tflite
      lenetkit export digits.onnx --pipeline digits.lenet
      lenetkit export digits_1.tflite --batch 1
      lenetkit export small.tflite --quantize int8 --data mnist --subset test
      lenetkit export digits.h --quantize int8
      lenetkit export pretrained_for_serving --format saved_model
    """
    *files, path = paths
    file = only_one(*files, file)
    from lenetkit.exporting import FORMATS, check_target, resolve_format

    if form is None and not path.lower().endswith(tuple(filter(None, FORMATS.values()))):
        raise SettingError(
            f"the name {printable(path)} does not tell the format: end it in "
            f"{', '.join(filter(None, FORMATS.values()))}, or give --format."
        )
    form = resolve_format(path, form)
    try_output(path, check_target, form, batch, quantize)
    refuse_input("the output", path, data, calibration)
    keep_going()
    pipeline = load_pipeline(file)
    given: dict[str, Any] = {}
    if data is not None:
        measured = lenetkit.load_dataset(data, subset=subset, data_dir=data_dir)
        given |= {"images": measured.images, "labels": measured.labels}
    if calibration is not None:
        given["calibration_images"] = lenetkit.load_dataset(calibration, data_dir=data_dir).images
    if form != "litert" or batch is not None or quantize is not None:
        start_tensorflow()
    _tell(pipeline.export(path, format=form, quantize=quantize, batch=batch, max_drop=max_drop, **given))


def _tell(report: "ExportReport") -> None:
    from lenetkit.exporting import TOLERANCE

    for written in (report.path, report.labels, report.preprocessing):
        click.echo(printable(report.path.with_name(written.name)))
    if report.accuracy is not None and report.accuracy_before is not None:
        click.echo(f"accuracy {report.accuracy:.2%}, the pipeline's {report.accuracy_before:.2%}")
    if report.quantize is not None:
        click.echo(
            f"{report.size:,} bytes; the pipeline's label for {report.agreement:.2%} of {report.n_images:,} images"
        )
    accepted = f" (at most {TOLERANCE:g} is accepted)" if report.quantize is None else ""
    runtime = "in NumPy, as the C code computes" if report.format == "c" else f"with the runtime of {report.format}"
    click.echo(f"checked {runtime}: greatest difference {report.greatest_difference:.3g}{accepted}")

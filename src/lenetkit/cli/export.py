"""``lenetkit export``: a saved pipeline's model for other runtimes."""

import click

from lenetkit.cli._options import tensorflow_quietly
from lenetkit.cli._saved import let_any_text_out, printable

__all__ = ["export"]

# Written out: the library's own table would cost `--help` the import of numpy.
_FORMATS = ("litert", "onnx", "saved_model", "keras")


@click.command()
@click.argument("file", type=click.Path())
@click.argument("path", type=click.Path())
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: what the suffix of PATH says.")
def export(file: str, path: str, form: str | None) -> None:
    """Write the model of the saved pipeline FILE to PATH, for another runtime.

    What was written is run with its own runtime and kept only if it answers as the pipeline does. Beside it go the
    labels (PATH.labels.txt) and what has to be done to an image first (PATH.preprocessing.json).

    \b
    Examples:
      lenetkit export digits.lenet digits.tflite
      lenetkit export digits.lenet digits.onnx
      lenetkit export digits.lenet digits_for_serving --format saved_model
    """
    from lenetkit.exporting import TOLERANCE
    from lenetkit.pipeline import Pipeline

    form = form or _format_of(path)
    pipeline = Pipeline.load(file)
    if form != "litert":
        with tensorflow_quietly():
            import keras  # noqa: F401
    report = pipeline.export(path, format=form)
    let_any_text_out()
    for written in (report.path, report.labels, report.preprocessing):
        click.echo(printable(report.path.with_name(written.name)))
    click.echo(
        f"checked with the runtime of {form}: greatest difference {report.greatest_difference:.3g} "
        f"(at most {TOLERANCE:g} is accepted)"
    )


def _format_of(path: str) -> str:
    from lenetkit.exceptions import SettingError
    from lenetkit.exporting import FORMATS

    for name, suffix in FORMATS.items():
        if suffix and path.endswith(suffix):
            return name
    raise SettingError(
        f"the name {printable(path)} does not tell the format: end it in "
        f"{', '.join(filter(None, FORMATS.values()))}, or give --format."
    )

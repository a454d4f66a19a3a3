"""``lenetkit verify``: is this saved pipeline what was saved, and does it answer as it did."""

import os
from typing import TYPE_CHECKING

import click

from lenetkit.cli._saved import let_any_text_out, printable

if TYPE_CHECKING:
    from lenetkit.bundle import Bundle

__all__ = ["verify"]


@click.command()
@click.argument("file", type=click.Path())
def verify(file: str) -> None:
    """Check every byte of the saved pipeline FILE, and let it answer the inputs that were saved with their answers.

    The exit code is 2 if anything is not as it was saved.

    \b
    Examples:
      lenetkit verify digits.lenet
    """
    from lenetkit.bundle import read_bundle, verify_bundle
    from lenetkit.exceptions import BundleError, DataError
    from lenetkit.pipeline import Pipeline

    bundle = read_bundle(file)
    Pipeline.load(file)
    try:
        difference = verify_bundle(bundle)
    except DataError as error:
        raise BundleError(f"{file} does not pass: {str(error).strip()}") from error
    let_any_text_out()
    click.echo(f"{printable(file)} is sound")
    for what, found in _checked(bundle, os.path.getsize(file)):
        click.echo(f"  {what:<11} {found}")
    click.echo(f"  {'answers':<11} {len(bundle.golden_images)} golden inputs, greatest difference {difference:.3g}")


def _checked(bundle: "Bundle", size: int) -> list[tuple[str, str]]:
    values = sum(array.size for array in bundle.weights.values())
    steps = ", ".join(step["name"] for step in bundle.transforms) or "none"
    return [
        ("container", f"{size:,} bytes, each as it was written"),
        ("members", "each with its SHA-256, the manifest too"),
        ("weights", f"{values:,} in {len(bundle.weights)} arrays, all finite"),
        ("transforms", f"{steps}: known here, with sound settings"),
        ("classes", f"{bundle.n_classes}, as many as the model has outputs"),
    ]

"""``lenetkit verify``: the integrity of a saved pipeline, and its answers to its golden inputs."""

import os

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.cli._options import only_one, pipeline_option, runtime_option
from lenetkit.cli._saved import find_pipeline
from lenetkit.exceptions import BundleError, DataError

__all__ = ["verify"]


@click.command()
@click.argument("argument", metavar="[FILE]", required=False)
@pipeline_option
@runtime_option
def verify(argument: str | None, file: str | None, runtime: str | None) -> None:
    """Check every byte of the saved pipeline FILE, and its answers to the inputs that were saved with their answers.

    The exit code is 2 if anything is not as it was saved.

    \b
    Examples:
      lenetkit verify digits.lenet
      lenetkit verify --pipeline digits.lenet
      lenetkit verify --runtime numpy
    """
    path = find_pipeline(only_one(argument, file))
    from lenetkit.bundle import read_bundle, verify_bundle

    bundle = read_bundle(path)
    try:
        lenetkit.Pipeline.from_bundle(bundle)
        difference = verify_bundle(bundle, runtime=runtime)
    except DataError as error:
        raise BundleError(f"{path} does not pass: {str(error).strip()}") from error
    click.echo(f"{printable(path)} is sound")
    values = sum(array.size for array in bundle.weights.values())
    steps = ", ".join(step["name"] for step in bundle.transforms) or "none"
    checks = {
        "container": f"{os.path.getsize(path):,} bytes, each as it was written",
        "members": "each with its SHA-256, the manifest too",
        "weights": f"{values:,} in {len(bundle.weights)} arrays, all finite",
        "transforms": f"{steps}: known here, with valid settings",
        "classes": f"{bundle.n_classes}, as many as the model has outputs",
        "answers": f"{len(bundle.golden_images)} golden inputs, greatest difference {difference:.3g}",
    }
    for subject, result in checks.items():
        click.echo(f"  {subject:<11} {result}")

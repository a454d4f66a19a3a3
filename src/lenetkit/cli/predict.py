"""``lenetkit predict``: what is in these pictures."""

import click

__all__ = ["predict"]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def predict(file: str, images: tuple[str, ...]) -> None:
    r"""Read each IMAGE with the saved pipeline FILE: its path, label and probability, one line each.

    A picture that cannot be read is reported, and the rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit predict digits.lenet photo.png
      lenetkit predict digits.lenet scans/*.png
    """
    from lenetkit.exceptions import DataError
    from lenetkit.pipeline import Pipeline

    pipeline = Pipeline.load(file)
    failed = 0
    for path in images:
        try:
            probabilities = pipeline.predict_proba(path)[0]
        except DataError as error:
            click.echo(f"error: {error}", err=True)
            failed += 1
            continue
        best = int(probabilities.argmax())
        click.echo(f"{path}\t{pipeline.classes_[best]}\t{probabilities[best]:.4f}")
    if failed:
        raise click.exceptions.Exit(2)

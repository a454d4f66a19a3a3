"""``lenetkit demo``: a page to draw digits on."""

import os
from pathlib import Path

import click

import lenetkit
from lenetkit._utils.memory import use_one_arena
from lenetkit._utils.printable import printable
from lenetkit.cli._options import pretrained_option, runtime_option
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going
from lenetkit.exceptions import SettingError

__all__ = ["demo"]


@click.command()
@click.argument("old_files", nargs=-1, metavar="")
@click.option(
    "--pipeline", "files", multiple=True, metavar="FILE", help="A saved pipeline to choose from; may be repeated."
)
@pretrained_option(multiple=True, help="A pretrained pipeline to choose from; may be repeated.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; only this machine's own.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option(
    "--max-upload",
    type=click.FloatRange(0, min_open=True),
    default=10,
    show_default=True,
    metavar="MB",
    help="The largest image file that is accepted.",
)
@runtime_option
@click.option("--open/--no-open", "to_open", default=False, show_default=True, help="Open the page in a browser?")
def demo(
    old_files: tuple[str, ...],
    files: tuple[str, ...],
    pretrained: tuple[str, ...],
    host: str,
    port: int,
    max_upload: float,
    runtime: str | None,
    to_open: bool,
) -> None:
    """Serve a page to draw digits on, or to show photos to, with the answer and every step on the way to it.

    Visitors choose among the saved pipelines; without any, the one that comes with lenetkit answers. The page comes
    from this machine alone and calls out to nowhere. Ctrl-C stops it.

    \b
    Examples:
      lenetkit demo --open
      lenetkit demo --pipeline digits.lenet --pipeline other.lenet --port 0
      lenetkit demo --host 0.0.0.0 --max-upload 4
    """
    from lenetkit.demo import is_loopback, serve

    # TensorFlow's remarks, when somebody looks inside the network, are of no use here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # NumPy's products are small here: further threads would burn twice the time of an image on waiting.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not is_loopback(host):
        click.secho(
            f"warning: anybody who can reach {printable(host)} can use the page, without a password or encryption.",
            err=True,
            fg="yellow",
        )

    def started(address: str) -> None:
        click.echo(f"The page is at {printable(address)}\nCtrl-C stops it.")
        if to_open:
            click.launch(address)

    keep_going()
    use_one_arena()
    pipelines = _load_named((*old_files, *files, *pretrained), runtime)
    serve(pipelines, host=host, port=port, max_upload=max_upload, started=started)
    click.echo("stopped")


def _load_named(files: tuple[str, ...], runtime: str | None) -> "dict[str, lenetkit.Pipeline]":
    """Load the pipelines under the names of their files, or their paths if two files have one name."""
    if not files:
        return {"digits": load_pipeline(None, runtime)}
    stems = [Path(file).stem for file in files]
    names = [stem if stems.count(stem) == 1 else file for stem, file in zip(stems, files, strict=True)]
    if len(set(names)) < len(names):
        raise SettingError(f"each file can be given once; got {' '.join(map(printable, files))}.")
    return {printable(name): load_pipeline(file, runtime) for name, file in zip(names, files, strict=True)}

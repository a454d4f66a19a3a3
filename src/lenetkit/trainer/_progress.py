"""Progress of a training run: a bar on a terminal and in a notebook, a line per epoch elsewhere, or nothing."""

import functools
import math
import time
from collections.abc import Mapping
from typing import Any

from lenetkit._utils.html import card, in_a_notebook, text
from lenetkit._utils.imports import import_quietly

__all__ = ["Progress", "create_progress"]

# A notebook shows the last epochs; the history has all of them.
_MOST_LINES = 20
_SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Silent progress, and the calls that a run makes to every kind; epochs are counted from 0."""

    def note(self, line: str) -> None:
        """Say something before the start."""

    def start(self, epochs: float, images: int) -> None:
        """Begin a training of so many epochs of so many images."""

    def resume(self, epoch: int, images_done: int) -> None:
        """Continue from a checkpoint, with so many images of this epoch done."""

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        """Show that so many images of this epoch are done."""

    def finish_epoch(self, epoch: int, seconds: float, images: int, logs: Mapping[str, float]) -> None:
        """Show that an epoch is done."""

    def stop(self) -> None:
        """End, after an error too."""


def create_progress(verbose: str | int) -> Progress:
    """Return the kind of progress that the trainer's setting `verbose` names."""
    if verbose == 0:
        return Progress()
    if verbose != 2 and in_a_notebook():
        return _NotebookBar()
    import_quietly("rich.console")
    from rich.console import Console

    # In notebooks rich would make every line a display of its own.
    console = Console(force_jupyter=False)
    bar = verbose == 1 or (verbose == "auto" and console.is_terminal)
    return _Dispensable(_Bar(console) if bar else _Lines(console))


class _Dispensable(Progress):
    """Progress that ends where its stream is full, closed or without a reader: the training goes on."""

    def __init__(self, shown: Progress) -> None:
        for name in ("note", "start", "resume", "advance", "finish_epoch", "stop"):
            setattr(self, name, functools.partial(self._show, name))
        self._shown = shown

    def _show(self, name: str, *arguments: Any) -> None:
        try:
            getattr(self._shown, name)(*arguments)
        # ValueError: the program around has closed it. SystemExit: rich's, where nobody reads any more.
        except (OSError, ValueError, SystemExit):
            self._shown = Progress()


class _Lines(Progress):
    def __init__(self, console: Any) -> None:
        self._console = console

    def note(self, line: str) -> None:
        self._write(line)

    def start(self, epochs: float, images: int) -> None:  # noqa: ARG002
        self._epochs = math.ceil(epochs)

    def resume(self, epoch: int, images_done: int) -> None:
        reached = f"after {images_done:,} images of epoch {epoch + 1}" if images_done else f"after epoch {epoch}"
        self._write(f"going on from the checkpoint {reached}")

    def finish_epoch(self, epoch: int, seconds: float, images: int, logs: Mapping[str, float]) -> None:
        self._write(
            f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}  {_format(logs)}  "
            f"{images / max(seconds, 1e-9):,.0f} images/s  {seconds:.1f} s"
        )

    def _write(self, line: str) -> None:
        self._console.out(line, highlight=False)


class _Bar(_Lines):
    def start(self, epochs: float, images: int) -> None:
        import_quietly("rich.progress")
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().start(epochs, images)
        self._images = images
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(
            "", total=round(images * epochs), epoch=f"1/{self._epochs}", values="compiling"
        )
        self._progress.start()

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        speed = self._progress.tasks[0].speed or 0.0
        self._progress.update(
            self._task,
            completed=epoch * self._images + images_done,
            epoch=f"{epoch + 1}/{self._epochs}",
            values=f"{_format(logs)}  {speed:,.0f} images/s",
        )

    def stop(self) -> None:
        self._progress.stop()


class _NotebookBar(_Lines):
    """One piece of HTML that changes as the run goes on; nothing of it is left on any stream."""

    def __init__(self) -> None:
        super().__init__(console=None)
        self._lines: list[str] = []
        self._handle: Any = None
        self._shown_at = -math.inf
        self._first: tuple[float, int] | None = None
        self._bar: tuple[str, float, str] | None = None

    def start(self, epochs: float, images: int) -> None:
        super().start(epochs, images)
        self._images, self._total = images, max(1, round(images * epochs))
        self._bar = (f"epoch 1/{self._epochs}", 0.0, "compiling")
        self._show()

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        now, done = time.perf_counter(), epoch * self._images + images_done
        began, done_before = self._first = self._first or (now, done)  # compiling is no measure of speed
        speed = (done - done_before) / max(now - began, 1e-9)
        values = f"{done / self._total:.0%}  {_format(logs)}" + (f"  {speed:,.0f} images/s" if speed else "")
        self._bar = (f"epoch {epoch + 1}/{self._epochs}", min(done / self._total, 1.0), values)
        if now - self._shown_at >= _SECONDS_BETWEEN_UPDATES:
            self._show()

    def stop(self) -> None:
        self._bar = None
        self._show()

    def _write(self, line: str) -> None:
        self._lines.append(line)
        self._show()

    def _show(self) -> None:
        from IPython.display import display

        left_out = max(0, len(self._lines) - _MOST_LINES)
        lines = self._lines[left_out:]
        shown = {"text/html": self._html(lines, left_out), "text/plain": "\n".join(lines)}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call, unused-ignore]
        else:
            self._handle.update(shown, raw=True)
        self._shown_at = time.perf_counter()

    def _html(self, lines: list[str], left_out: int) -> str:
        html, written = "", "\n".join([f"({left_out} more epochs)"] * bool(left_out) + lines)
        if written:
            style = "margin:0;background:none;font-family:monospace;font-size:inherit"
            html = f"<pre style='{style}'>{text(written)}</pre>"
        if self._bar is not None:
            before, done, after = self._bar
            style = "width:16em;vertical-align:middle;margin:0 .6em"
            html += (
                f"<div style='white-space:nowrap'>{text(before)}<progress max='1' value='{done:.4f}' style='{style}'>"
                f"</progress>{text(after)}</div>"
            )
        return card(html)


def _format(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name != "learning_rate")

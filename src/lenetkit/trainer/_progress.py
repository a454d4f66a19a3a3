"""What a person sees while it trains: a bar on a terminal, a line per epoch elsewhere, or nothing."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Progress", "create_progress"]


class Progress(Protocol):
    """Told by the trainer how far it is."""

    def start(self, epochs: float, images: int) -> None:
        """Tell that training begins: so many epochs of so many images."""

    def resume(self, epoch: int, images_done: int) -> None:
        """Tell that a checkpoint was taken up, with so many images of this epoch (counted from 0) done."""

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        """Tell how many images of this epoch (counted from 0) are done."""

    def finish_epoch(self, epoch: int, seconds: float, images: int, logs: Mapping[str, float]) -> None:
        """Tell that an epoch is done."""

    def stop(self) -> None:
        """Tell that training has ended, well or not."""


def create_progress(verbose: str | int) -> Progress:
    """Return the kind of progress that a ``verbose`` setting asks for.

    Parameters
    ----------
    verbose : {"auto", 0, 1, 2}
        0 is silent, 1 is a bar, 2 a line per epoch; ``"auto"`` is a bar on a terminal and lines elsewhere.
    """
    if verbose == 0:
        return _Silent()
    from rich.console import Console

    console = Console()
    return _Bar(console) if verbose == 1 or (verbose == "auto" and console.is_terminal) else _Lines(console)


class _Silent:
    def start(self, epochs: float, images: int) -> None:
        pass

    def resume(self, epoch: int, images_done: int) -> None:
        pass

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        pass

    def finish_epoch(self, epoch: int, seconds: float, images: int, logs: Mapping[str, float]) -> None:
        pass

    def stop(self) -> None:
        pass


class _Lines(_Silent):
    def __init__(self, console: Any) -> None:
        self._console = console
        self._epochs = 0

    def start(self, epochs: float, images: int) -> None:  # noqa: ARG002
        self._epochs = math.ceil(epochs)

    def resume(self, epoch: int, images_done: int) -> None:
        where = f"after {images_done:,} images of epoch {epoch + 1}" if images_done else f"after epoch {epoch}"
        self._console.out(f"going on from the checkpoint {where}", highlight=False)

    def finish_epoch(self, epoch: int, seconds: float, images: int, logs: Mapping[str, float]) -> None:
        self._console.out(
            f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}  {_words(logs)}  "
            f"{images / max(seconds, 1e-9):,.0f} images/s  {seconds:.1f} s",
            highlight=False,
        )


class _Bar(_Lines):
    def start(self, epochs: float, images: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().start(epochs, images)
        self._images = images
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(
            "", total=round(images * epochs), epoch=f"1/{self._epochs}", words="compiling"
        )
        self._progress.start()

    def advance(self, epoch: int, images_done: int, logs: Mapping[str, float]) -> None:
        speed = self._progress.tasks[0].speed or 0.0
        self._progress.update(
            self._task,
            completed=epoch * self._images + images_done,
            epoch=f"{epoch + 1}/{self._epochs}",
            words=f"{_words(logs)}  {speed:,.0f} images/s",
        )

    def stop(self) -> None:
        self._progress.stop()


def _words(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name != "learning_rate")

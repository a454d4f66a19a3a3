"""The page to correct on, from the folder to the server.

In: a folder of pictures, and a pipeline. Out: a page for a person, and the table of what they have decided.
Next: :func:`lenetkit.datasets.load_dataset` reads the table.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from lenetkit._utils.extras import require_extra
from lenetkit._utils.files import check_writable
from lenetkit._utils.printable import printable
from lenetkit._utils.system import describe_system_error
from lenetkit.demo._serve import find_hosts, listen, run_server
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from lenetkit.demo._labelling.doubt_queue import Answer, DoubtQueue
    from lenetkit.demo._labelling.lessons import Lessons
    from lenetkit.pipeline import Pipeline

__all__ = ["label_folder"]

Bar = Callable[[int], AbstractContextManager[Callable[[int], object]]]


def _no_bar(_: int) -> AbstractContextManager[Callable[[int], object]]:
    return contextlib.nullcontext(lambda _: None)


def label_folder(
    folder: str | os.PathLike[str],
    pipeline: "Pipeline | None" = None,
    *,
    labels: str | os.PathLike[str] | None = None,
    numbers: bool = False,
    output: str | os.PathLike[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    started: Callable[[str], object] = print,
    tell: Callable[[str], object] = print,
    bar: Bar = _no_bar,
) -> None:
    """Serve a page to correct the answers for the pictures of a folder, until Ctrl-C is pressed.

    The pictures of which the pipeline is least sure come first. Every decision is in the table, on the disk, before it
    is shown as done; started again, the page goes on where one stopped, also if there are other pictures by then.
    :func:`lenetkit.datasets.load_dataset` reads the table, of which it passes over the rows with a reason in the column
    ``left_out``.

    Parameters
    ----------
    folder : path
        Pictures in it and in the folders in it.
    pipeline : Pipeline, optional
        Default: the one that comes with lenetkit.
    labels : path, optional
        The table, a CSV file. Default: beside the folder, for ``scans`` it is ``scans-labels.csv``.
    numbers : bool, default False
        The pictures show whole numbers: the column of labels is ``text``.
    output : path, optional
        Learn from the labels while one goes on, see :meth:`Pipeline.adapt <lenetkit.pipeline.Pipeline.adapt>` with
        ``layers="last"``, which is done in a second, and write the adapted pipeline here whenever that helps.
    host, port, started
        As for :func:`serve`.
    tell : callable, default print
        Called with sentences on what was left out, and at the end on what was done.
    bar : callable, optional
        Called with the number of pictures that are read before the page opens; gives a context manager for a function
        that is called with the number of those that have been read since.

    Raises
    ------
    MissingExtraError
        If Starlette or uvicorn is not installed.
    DataError
        If there are no pictures in the folder, or none that can be read.
    SettingError
        If the table is another file, is being worked on by another process, or cannot be written; if `output` cannot,
        or is asked for with `numbers`; or as for :func:`serve`.
    NotFittedError
        If the pipeline is not fitted.

    Examples
    --------
    As if Ctrl-C were pressed when the page can be opened:

    >>> import pathlib, tempfile
    >>> import PIL.Image
    >>> from lenetkit.demo import label_folder
    >>> from lenetkit.synthesis import draw_digits
    >>> place = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(place.name) / "scans"
    >>> folder.mkdir()
    >>> PIL.Image.fromarray(draw_digits(1, seed=1).images[0]).save(folder / "1.png")
    >>> def stop(address):
    ...     raise KeyboardInterrupt
    >>> label_folder(folder, port=0, started=stop)
    0 of 1 pictures done.
    >>> place.cleanup()
    """
    require_extra("the page to correct on", "demo", "starlette", "uvicorn")
    from lenetkit.demo._labelling.answers import find_pictures
    from lenetkit.demo._labelling.doubt_queue import DoubtQueue
    from lenetkit.demo._labelling.label_page import create_label_page
    from lenetkit.demo._labelling.label_table import LabelTable, name_pictures
    from lenetkit.demo._labelling.lessons import Lessons
    from lenetkit.demo._labelling.table_lock import hold_table
    from lenetkit.pipeline import Pipeline

    if numbers and output is not None:
        raise SettingError("output must be None for numbers: adapting learns from pictures of single digits.")
    root = _check_folder(folder)
    place = _choose_table(root, labels)
    _try_output(output)
    found, left_out = find_pictures(root)
    if not found:
        raise DataError(f"{printable(root)} has no pictures: name a folder with some, such as PNG or JPEG files.")
    with contextlib.ExitStack() as stack:
        stack.enter_context(hold_table(place))
        table = LabelTable(place, "text" if numbers else "label")
        listener = stack.enter_context(listen(host, port))
        named, unnamed = name_pictures(found, place.parent)
        left_out += [f"{path} is left out: a table cannot hold its name." for path in unnamed]
        if table.torn:
            left_out.append(f"{place}: the last line was cut off and is left out: {table.torn}")
        pipeline = Pipeline.pretrained() if pipeline is None else pipeline
        answers, unread = _read(pipeline, named, numbers, bar)
        left_out = [printable(line) for line in (*left_out, *unread)]
        for line in left_out:
            tell(line)
        if not answers:
            raise DataError(f"{printable(root)} has no picture that can be read.")
        queue = DoubtQueue(answers, table)
        pictures = {name: named[name] for name in answers}
        lessons = None if output is None else stack.enter_context(Lessons(pipeline, queue, pictures, os.fspath(output)))
        settings = {
            "folder": printable(root.name or root),
            "table": printable(place),
            "classes": [str(label) for label in pipeline.classes_.tolist()],
            "is_number": numbers,
            "left_out": left_out,
        }
        run_server(create_label_page(queue, pictures, lessons, settings, find_hosts(host)), listener, host, started)
    _tell_end(queue, place, lessons, tell)


def _check_folder(folder: str | os.PathLike[str]) -> Path:
    root = Path(os.path.abspath(folder))
    try:
        is_folder, is_there = root.is_dir(), os.path.lexists(root)
    except ValueError:  # a name that no file can have
        is_folder = is_there = False
    if not is_folder:
        what = "it is a file" if is_there else "there is no such folder"
        raise DataError(f"{printable(folder)} must be a folder of pictures; {what}.")
    return root


def _try_output(output: str | os.PathLike[str] | None) -> None:
    try:
        if output is not None:
            check_writable(output)
    except OSError as error:
        raise SettingError(f"{printable(output)} cannot be written: {describe_system_error(error)}") from error


def _choose_table(folder: Path, labels: str | os.PathLike[str] | None) -> Path:
    if labels is None:
        if not folder.name:
            raise SettingError("there is no place beside this folder for the table: name a file for the labels.")
        return folder.with_name(f"{folder.name}-labels.csv")
    place = Path(os.path.abspath(labels))
    if place.suffix.lower() != ".csv":
        raise SettingError(f"the file of labels must end in .csv; got {printable(labels)}.")
    if not place.parent.is_dir():
        raise SettingError(f"there is no folder {printable(place.parent)} for the labels. Create it first.")
    return place


def _read(
    pipeline: "Pipeline", pictures: Mapping[str, Path], numbers: bool, bar: Bar
) -> tuple[dict[str, "Answer"], list[str]]:
    """Return the pipeline's answers, and what is to be said of pictures that cannot be read."""
    from lenetkit.demo._labelling.answers import read_labels, read_numbers

    answers, unread = {}, []
    with bar(len(pictures)) as advance:
        for name, answer in (read_numbers if numbers else read_labels)(pipeline, pictures):
            if isinstance(answer, DataError):
                shown, words = str(pictures[name]), str(answer)
                unread.append(words if shown in words else f"{shown}: {words}")
            else:
                answers[name] = answer
            advance(1)
    return answers, unread


def _tell_end(queue: "DoubtQueue", table: Path, lessons: "Lessons | None", tell: Callable[[str], object]) -> None:
    count = queue.count()
    total = count["done"] + count["left"] + count["skipped"]
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    kept = f": {printable(table)}" if table.exists() else "."
    tell(f"{count['done']} of {total} pictures done{skipped}{kept}")
    if lessons is not None and lessons.told:
        tell(printable(lessons.told))
    if lessons is not None and lessons.written:
        tell(f"saved: {printable(lessons.written)}")

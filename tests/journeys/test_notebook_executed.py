"""The example notebook in a real kernel: every cell runs, and what it shows is fit to be seen."""

import os
import re
from pathlib import Path
from typing import Any

import matplotlib.font_manager
import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tour.ipynb"


def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_stored_without_outputs() -> None:
    """What it shows depends on the day; whoever opens it runs it."""
    stored = notebook()
    nbformat.validate(stored)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert len(cells) >= 12
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count is not None] == []
    assert set(stored.metadata) == {"kernelspec", "language_info"}


class _Client(NotebookClient):
    """Remembers what was displayed for a while and replaced later."""

    def __init__(self, stored: Any, **options: Any) -> None:
        super().__init__(stored, **options)
        self.replaced: list[str] = []

    def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:
        if message["msg_type"] in ("display_data", "update_display_data"):
            self.replaced.append(message["content"]["data"].get("text/html", ""))
        return super().process_message(message, cell, cell_index)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> _Client:
    """Return the notebook after its run, in an empty folder, where no data set lies anywhere."""
    folder = tmp_path_factory.mktemp("notebook")
    places = ("HOME", "KERAS_HOME", "LENETKIT_DATA", "XDG_CACHE_HOME", "IPYTHONDIR")
    jupyter = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())  # the list of fonts, which takes long to make
        for name in places:
            patch.setenv(name, str(folder / "nothing"))
        for name, value in {**jupyter, "JUPYTER_PLATFORM_DIRS": "1", "FORCE_COLOR": "1"}.items():
            patch.setenv(name, value)
        where = {"metadata": {"path": str(folder)}}
        client = _Client(notebook(), timeout=300, startup_timeout=300, kernel_name="python3", resources=where)
        client.execute(env={**os.environ})
    return client


def outputs(executed: _Client, source: str) -> list[Any]:
    """Return the outputs of the cell that has this line."""
    (found,) = [cell for cell in executed.nb.cells if cell.cell_type == "code" and source in cell.source.splitlines()]
    return list(found.outputs)


def html(executed: _Client, source: str) -> str:
    """Return the HTML of a cell's result."""
    (result,) = [output for output in outputs(executed, source) if output.output_type == "execute_result"]
    return str(result.data["text/html"])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_bar_moves_while_it_trains_and_lines_are_left(executed: _Client) -> None:
    """One display that changes, with the last epochs in the end, and nothing on the streams."""
    shares = [float(share) for share in re.findall(r"<progress max='1' value='([\d.]+)'", "".join(executed.replaced))]
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    (shown,) = [output for output in outputs(executed, "pipe.fit(train.images, train.labels)") if "data" in output][:-1]
    assert "<progress" not in shown.data["text/html"]
    for form in ("text/html", "text/plain"):
        assert re.findall(r"epoch +(\d+)/20  loss \d", shown.data[form]) == [str(epoch) for epoch in range(1, 21)]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_streams_hold_what_was_printed_and_nothing_else(executed: _Client) -> None:
    """No escape codes, no bars in pieces, and no chatter of TensorFlow."""
    streams = [output for cell in executed.nb.cells for output in cell.get("outputs", []) if "text" in output]
    printed = "".join(stream.text for stream in streams if stream.name == "stdout")
    assert re.fullmatch(r"(\[[\d ]+\]) said\n(\[[\d ]+\]) true\n", printed)
    warned = "".join(stream.text for stream in streams if stream.name == "stderr")
    assert re.findall(r"\x1b|\r|epoch|INFO:tensorflow|All log messages before|oneDNN|cuInit", warned) == []


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "source",
    [
        "digits.plot(max_images=30);",
        "pipe.result_.plot();",
        "evaluation.plot_errors(test.images);",
        "pipe.plot_feature_maps(test.images[0]);",
    ],
)
def test_each_plot_is_one_picture(executed: _Client, source: str) -> None:
    """Shown once, without the text of an object beside it."""
    (picture,) = outputs(executed, source)
    assert picture.output_type == "display_data"
    assert len(picture.data["image/png"]) > 1000


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("digits", "1797 images of 8 x 8, 10 classes"),
        ("pipe", "not fitted yet"),
        ("pipe.fit(train.images, train.labels)", "10 classes: 0, 1, 2"),
        ("pipe.history_.tail(3)", "val_accuracy"),
        ("evaluation", r"accuracy (9\d\.\d\d|100\.00) %"),
        ("evaluation.most_confused(5)", "predicted"),
        ("Pipeline.pretrained().read_number(picture)", ">1947<"),
    ],
)
def test_objects_and_tables_show_themselves(executed: _Client, source: str, wanted: str) -> None:
    """As small HTML in place of their text."""
    shown = html(executed, source)
    assert shown.startswith("<div")
    assert re.search(wanted, shown)

"""The pictures: what is drawn, where, and what is refused."""

import gzip
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lenetkit.exceptions import DataError, SettingError
from lenetkit.plotting import (
    plot_confusion,
    plot_digits,
    plot_feature_maps,
    plot_filters,
    plot_history,
    plot_learning_rate_finder,
    plot_rejection,
    plot_reliability,
)
from lenetkit.plotting._pixels import as_uint8

matplotlib = pytest.importorskip("matplotlib")
Figure = pytest.importorskip("matplotlib.figure").Figure

# Old matplotlib calls functions of pyparsing that have new names by now.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(matplotlib|pyparsing).*")

HISTORY = {
    "loss": [0.5, 0.2, 0.1],
    "accuracy": [0.8, 0.9, 0.95],
    "val_loss": [0.4, 0.3, 0.35],
    "val_accuracy": [0.85, 0.9, 0.89],
    "learning_rate": [1e-3, 5e-4, 1e-4],
}
COUNTS = [[95, 4, 1], [0, 100, 0], [2, 0, 48]]


@pytest.fixture(autouse=True)
def _close_figures():
    """Draw without a screen and leave no figure behind."""
    from matplotlib import pyplot as plt

    plt.switch_backend("Agg")
    yield
    plt.close("all")


def drawn(figure):
    """Render the figure as a notebook would and return its pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def test_digits_are_drawn_as_stored_with_their_titles():
    """Every pixel is there, 0 is black and 255 white whatever the image holds, and titles belong to their images."""
    images = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4)
    display = plot_digits(images, titles=[7, "two", 1.5], title="my digits")
    assert [ax.get_title() for ax in display.axes_] == ["7", "two", "1.5"]
    for ax, pixels in zip(display.axes_, images, strict=True):
        (image,) = ax.images
        assert image.get_array().tolist() == pixels.tolist()
        assert image.get_clim() == (0, 255)
        assert (image.get_cmap().name, image.get_interpolation()) == ("gray", "nearest")
        assert ax.axison, "the frame shows where a white picture ends"
        assert [*ax.get_xticks(), *ax.get_yticks()] == []
    assert display.figure_.get_suptitle() == "my digits"
    assert drawn(display.figure_).min() < 100


@pytest.mark.parametrize(
    ("images", "limits"),
    [
        (np.full((2, 3, 3), 0.5), (0, 1)),
        (np.eye(3, dtype=bool)[None], (0, 1)),
        (np.array([[[-0.4, 2.8]], [[0.0, 1.0]]]), (-0.4, 2.8)),
        (np.array([[[0, 1000]]], np.uint16), (0, 1000)),
        (np.array([[[np.nan, 0.5]]]), (0, 1)),
        (np.full((1, 2, 2), np.nan), (0, 1)),
    ],
)
def test_a_grey_means_the_same_in_every_image(images, limits):
    """Floats are drawn from 0 to 1 where they fit and else from the smallest to the largest value of all images."""
    display = plot_digits(images)
    assert {ax.images[0].get_clim() for ax in display.axes_} == {limits}


@pytest.mark.parametrize(
    ("image", "limits", "bytes_"),
    [
        (np.array([[0, 7, 255]], np.uint8), None, [0, 7, 255]),
        (np.array([[0, 0.5, 1]]), None, [0, 128, 255]),
        (np.array([[-1.0, 0, 1]]), None, [0, 128, 255]),
        (np.array([[np.nan, -np.inf, np.inf, 2.0]]), (0.0, 4.0), [0, 0, 255, 128]),
        (np.full((1, 2), 3.0), None, [0, 0]),
        (np.array([[False, True]]), None, [0, 255]),
    ],
)
def test_bytes_have_the_greys_of_the_drawing(image, limits, bytes_):
    """Black and white are those of the grid, or those that are given."""
    assert as_uint8(image, limits).ravel().tolist() == bytes_


def test_images_of_different_sizes_and_channels_share_a_grid():
    """A list of scans is drawn as it is: grey, grey with a channel axis, colour."""
    display = plot_digits([np.zeros((3, 5)), np.zeros((4, 4, 1)), np.zeros((2, 2, 3)), np.zeros((2, 2, 4))])
    assert [ax.images[0].get_array().shape for ax in display.axes_] == [(3, 5), (4, 4), (2, 2, 3), (2, 2, 4)]


def test_more_images_than_wanted_are_cut_off_and_counted_in_the_heading():
    """What is not drawn is said, and only what is drawn is read."""
    read = []

    class Lazy:
        def __len__(self):
            return 1000

        def __getitem__(self, row):
            read.append(row)
            return np.zeros((2, 2), np.uint8)

    display = plot_digits(Lazy(), max_images=5, n_columns=3, title="scans")
    assert len(display.axes_) == 5
    assert read == [0, 1, 2, 3, 4]
    assert display.figure_.get_suptitle() == "scans, the first 5 of 1000"
    assert display.axes_[0].get_gridspec().get_geometry() == (2, 3)


def test_no_images_give_an_empty_figure_that_says_so():
    """A script that draws the errors of a perfect model goes on."""
    display = plot_digits([])
    assert len(display.axes_) == 0
    assert display.figure_.get_suptitle() == "no images"


def test_neighbouring_titles_do_not_overlap():
    """Long titles make the tiles wider."""
    display = plot_digits(np.zeros((6, 8, 8)), titles=["Ankle boot →\nT-shirt/top"] * 6)
    drawn(display.figure_)
    boxes = [ax.title.get_window_extent() for ax in display.axes_]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": np.zeros((2, 3, 3)), "titles": ["a"]}, DataError, "one title per image: expected 2; got 1"),
        ({"images": np.zeros((3, 3))}, DataError, r"images\[0\] must have shape \(h, w\) or .*; got \(3,\)"),
        ({"images": [np.zeros((3, 3)), np.zeros((3, 3, 2))]}, DataError, r"images\[1\] must have .*got \(3, 3, 2\)"),
        ({"images": [np.zeros((0, 3))]}, DataError, r"images\[0\] must have shape .*got \(0, 3\)"),
        ({"images": [np.array([["a"]])]}, DataError, r"images\[0\] must hold numbers; got dtype <U1"),
        ({"images": [], "n_columns": 0}, SettingError, "n_columns must be an integer of at least 1; got 0"),
        ({"images": [], "max_images": 2.5}, SettingError, "max_images must be an integer of at least 1; got 2.5"),
    ],
)
def test_digits_that_cannot_be_drawn_are_refused(arguments, error, message):
    """The message names the image."""
    with pytest.raises(error, match=message):
        plot_digits(**arguments)


def test_the_confusion_matrix_colours_the_errors_alone():
    """The colour scale ends at the largest error, the diagonal is masked, empty cells have no number."""
    display = plot_confusion(COUNTS, ["a", "b", "c"])
    assert display.image_.get_clim()[1] == 4
    assert display.image_.get_array().mask.tolist() == np.eye(3, dtype=bool).tolist()
    texts = {cell: text.get_text() for cell, text in display.texts_.items()}
    assert texts == {(0, 0): "95", (0, 1): "4", (0, 2): "1", (1, 1): "100", (2, 0): "2", (2, 2): "48"}
    assert display.texts_[0, 1].get_position() == (1, 0)
    assert display.ax_.get_title() == "7 of 250 misread"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("predicted class", "true class")
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b", "c"]


def test_empty_cells_are_white_and_full_ones_are_not():
    """One error in a thousand is seen at a glance: the picture is white where nothing went wrong."""
    display = plot_confusion([[999, 1], [0, 1000]], ["no", "yes"])
    colours = display.image_.to_rgba(display.image_.get_array())[..., :3]
    assert colours[1, 0].tolist() == [1, 1, 1]
    assert colours[0, 1].sum() < 1.5
    assert colours[0, 0] == pytest.approx([0.92] * 3, abs=0.01)


@pytest.mark.parametrize(
    ("normalize", "text", "label"),
    [
        ("true", "4.0", "% of the true class"),
        ("pred", "3.8", "% of the predicted class"),
        ("all", "1.6", "% of all images"),
        (None, "4", "misread images"),
    ],
)
def test_the_confusion_matrix_can_be_normalised(normalize, text, label):
    """Per cent of a row, of a column or of all; the colour bar says which."""
    display = plot_confusion(pd.DataFrame(COUNTS), ["a", "b", "c"], normalize=normalize)
    assert display.texts_[0, 1].get_text() == text
    assert display.image_.colorbar.ax.get_ylabel() == label


def test_a_class_without_images_is_drawn_empty():
    """0 of 0 is nothing, neither NaN nor a warning."""
    display = plot_confusion([[3, 0], [0, 0]], ["a", "b"], normalize="true")
    assert {cell: text.get_text() for cell, text in display.texts_.items()} == {(0, 0): "100.0"}


@pytest.mark.parametrize(("n_classes", "n_texts"), [(1, 1), (30, 30), (31, 0)])
def test_many_classes_are_drawn_without_numbers(n_classes, n_texts):
    """Beyond 30 classes numbers could not be read."""
    display = plot_confusion(np.eye(n_classes, dtype=int), range(n_classes))
    assert len(display.texts_) == n_texts
    assert display.ax_.get_title() == f"0 of {n_classes} misread"


@pytest.mark.parametrize("names", [range(10), [f"a long name {label}" for label in range(10)]])
def test_every_label_of_the_confusion_matrix_lies_within_the_figure(names):
    """Nothing is cut off at the default size, and no two names overlap."""
    display = plot_confusion(np.full((10, 10), 1000), names)
    height, width, _ = drawn(display.figure_).shape
    box = display.ax_.get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2]], ["a", "b"]), DataError, r"shape \(n_classes, n_classes\), here \(2, 2\).*got \(1, 2\)"),
        ((np.eye(2), ["a"]), DataError, r"here \(1, 1\) for the 1 class names; got \(2, 2\)"),
        ((np.empty((0, 0)), []), DataError, "must have shape"),
        (([[1, -1], [0, 1]], "ab"), DataError, "must hold counts, all finite and none negative"),
        (([[1, np.nan], [0, 1]], "ab"), DataError, "must hold counts"),
        (([["x"]], ["a"]), DataError, "must hold counts"),
        (([[1]], ["a"], "rows"), SettingError, "normalize must be None, 'true', 'pred' or 'all'; got 'rows'"),
    ],
)
def test_confusions_that_cannot_be_drawn_are_refused(arguments, error, message):
    """The message says what was expected."""
    matrix, names, *normalize = arguments
    with pytest.raises(error, match=message):
        plot_confusion(matrix, names, normalize=normalize[0] if normalize else None)


@pytest.mark.parametrize("form", [dict, pd.DataFrame])
def test_the_history_shows_training_and_validation_in_one_panel_each(form):
    """Loss, accuracy and learning rate by epoch; curves are told apart by colour, dash and legend."""
    display = plot_history(form(HISTORY))
    assert [ax.get_title() for ax in display.axes_] == ["loss", "accuracy", "learning rate"]
    for ax, name in zip(display.axes_[:2], ["loss", "accuracy"], strict=True):
        training, validation = ax.lines
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == HISTORY[name]
        assert validation.get_ydata().tolist() == HISTORY[f"val_{name}"]
        assert training.get_color() != validation.get_color()
        assert training.get_linestyle() != validation.get_linestyle()
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
        assert ax.get_xlabel() == "epoch"
    assert drawn(display.figure_).shape[1] == 1260


def test_a_history_without_validation_has_no_legend():
    """One curve needs no explanation; one epoch is a visible point."""
    display = plot_history({"loss": [0.5]})
    (ax,) = display.axes_
    assert ax.get_legend() is None
    assert ax.lines[0].get_marker() == "o"
    drawn(display.figure_)
    assert [tick for tick in ax.get_xticks() if tick % 1] == []


def test_an_index_named_epoch_counts_the_epochs():
    """A resumed training goes on counting where it stopped."""
    display = plot_history(pd.DataFrame({"loss": [0.2, 0.1]}, index=pd.Index([4, 5], name="epoch")))
    assert display.axes_[0].lines[0].get_xdata().tolist() == [4, 5]


@pytest.mark.parametrize(
    ("history", "axes", "error", "message"),
    [
        ({"accuracy": [1]}, None, DataError, r"must have a column 'loss' .*; got the columns \['accuracy'\]"),
        ({"loss": []}, None, DataError, "with at least one epoch"),
        (HISTORY, [None], SettingError, r"has 3 panels \(loss, accuracy, learning_rate\); got 1 axes"),
    ],
)
def test_a_history_that_cannot_be_drawn_is_refused(history, axes, error, message):
    """The message says what the history has."""
    with pytest.raises(error, match=message):
        plot_history(history, axes=axes)


def test_the_learning_rate_search_marks_its_suggestion():
    """Loss against rate on a logarithmic scale; what diverged does not flatten the rest."""
    rates, losses = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], [2.3, 1.5, 0.5, 90.0, np.nan]
    display = plot_learning_rate_finder(rates, losses, suggestion=1e-3)
    curve, mark = display.ax_.lines
    assert curve.get_xdata().tolist() == rates
    assert mark.get_xdata() == [1e-3, 1e-3]
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.texts[0].get_text().strip() == "suggestion 0.001"
    assert display.ax_.get_ylim()[1] < 5
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("learning rate", "loss")
    drawn(display.figure_)


@pytest.mark.parametrize("losses", [[2.0, 1.0, 0.5], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
def test_a_search_without_suggestion_or_explosion_is_drawn_whole(losses):
    """Nothing is marked that was not asked for, and no loss is cut off."""
    display = plot_learning_rate_finder([1e-3, 1e-2, 1e-1], losses)
    assert len(display.ax_.lines) == 1
    low, high = display.ax_.get_ylim()
    assert low <= min(losses)
    assert high >= max(losses)


@pytest.mark.parametrize(
    ("rates", "losses", "message"),
    [
        ([1e-3], [1, 2], r"one loss per learning rate; got shapes \(1,\) and \(2,\)"),
        ([1e-3, 0], [1, 2], "learning rates must be positive; got 0.0"),
        ([1e-3, np.nan], [1, 2], "learning rates must be positive; got nan"),
        ([1e-3], [np.inf], "at least one loss must be finite"),
        ([], [], "at least one loss must be finite"),
    ],
)
def test_a_search_that_cannot_be_drawn_is_refused(rates, losses, message):
    """The message names the first offender."""
    with pytest.raises(DataError, match=message):
        plot_learning_rate_finder(rates, losses)


def draw_all(places):
    """Draw every kind of picture into the given places, or into new figures."""
    figure, ax, axes, other = places
    return [
        plot_digits(np.zeros((1, 2, 2)), figure=figure),
        plot_confusion([[1]], ["a"], ax=ax),
        plot_history({"loss": [1.0]}, axes=axes),
        plot_learning_rate_finder([0.1], [1.0], ax=other),
    ]


def test_drawing_into_ones_own_axes_leaves_pyplot_alone():
    """A report or a server draws in any thread without touching global state."""
    from matplotlib import pyplot as plt

    before = plt.get_fignums()
    figure = Figure(layout="constrained")
    ax, *axes = figure.subplots(1, 3)
    below = Figure()
    displays = draw_all((below, ax, axes[:1], axes[1]))
    assert plt.get_fignums() == before
    assert displays[0].figure_ is below
    assert [display.figure_ for display in displays[1:]] == [figure] * 3
    assert displays[1].ax_ is ax


def test_new_figures_are_pyplots_so_that_notebooks_show_them():
    """Without a place of the caller's, plt.show() and notebooks find every figure."""
    from matplotlib import pyplot as plt

    displays = draw_all((None,) * 4)
    assert [plt.figure(number) for number in plt.get_fignums()] == [display.figure_ for display in displays]


def test_a_display_can_be_drawn_again_elsewhere():
    """As in scikit-learn: the display keeps its data."""
    display = plot_confusion(COUNTS, ["a", "b", "c"])
    ax = Figure().subplots()
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert ax.get_title() == "7 of 250 misread"


def test_the_module_imports_without_matplotlib_and_says_what_to_install():
    """Without the extra every picture is one clear error, raised when it is asked for and not before."""
    code = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import lenetkit.plotting as plotting
from lenetkit.evaluator import evaluate
from lenetkit.exceptions import MissingExtraError

for draw in (
    lambda: plotting.plot_digits([[[0]]]),
    lambda: plotting.plot_confusion([[1]], ["a"]),
    lambda: plotting.plot_history({"loss": [1.0]}),
    lambda: plotting.plot_learning_rate_finder([0.1], [1.0]),
    lambda: evaluate([0], [[1.0]]).plot_confusion(),
    lambda: evaluate([0], [[1.0]]).plot_errors([[[0]]]),
):
    try:
        draw()
    except MissingExtraError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message = (
        "drawing needs matplotlib, which cannot be imported (No module named 'matplotlib'). "
        'Install it with: pip install "lenetkit[plot]"'
    )
    assert result.stdout.splitlines() == [message] * 6


def test_importing_plotting_loads_numpy_and_nothing_heavier():
    """The ground floor is light until something is drawn."""
    heavy = "{'tensorflow', 'keras', 'sklearn', 'pandas', 'scipy', 'matplotlib'}"
    code = f"import sys, lenetkit.plotting; print(*{{name.split('.')[0] for name in sys.modules}} & {heavy})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""


def test_real_digits_and_their_confusions_are_drawn(shared_data):
    """MNIST's own bytes, read here by hand, go through the grid."""
    with gzip.open(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + 30 * 784), np.uint8, offset=16).reshape(30, 28, 28)
    display = plot_digits(images, titles=range(30))
    assert len(display.axes_) == 30
    assert drawn(display.figure_).max() == 255


def test_reliability_draws_each_group_on_its_place():
    """A dot for each, and the line of those who are as sure as they are right."""
    figure = Figure()
    display = plot_reliability([0.5, 0.9], [0.4, 1.0], [10, 990], ax=figure.subplots())
    (dots,) = [item for item in display.ax_.collections if len(item.get_offsets()) == 2]
    assert dots.get_offsets().tolist() == [[0.5, 0.4], [0.9, 1.0]]
    assert dots.get_sizes()[1] > dots.get_sizes()[0]
    assert display.figure_ is figure
    assert "1,000 images" in display.ax_.get_legend().get_texts()[1].get_text()
    drawn(figure)


def test_rejection_draws_the_curve_and_ends_where_nothing_is_left_to_gain():
    """From nothing rejected on, in per cent."""
    figure = Figure()
    rejected, error = np.linspace(0, 0.99, 100), np.maximum(0.04 - np.linspace(0, 0.99, 100), 0)
    display = plot_rejection(rejected, error, ax=figure.subplots())
    curve = display.ax_.lines[0]
    assert curve.get_xdata().tolist() == rejected.tolist()
    assert curve.get_ydata().tolist() == error.tolist()
    assert 0.04 < display.ax_.get_xlim()[1] < 0.1
    drawn(figure)
    assert any(label.get_text() == "4 %" for label in display.ax_.get_yticklabels())


@pytest.mark.parametrize(("rejected", "error"), [([0], [0]), ([0], [0.3]), ([0.9, 0.0], [0.1, 0.2]), ([0.5], [0.1])])
def test_short_rejection_curves_can_be_drawn(rejected, error):
    """One point, no error at all, any order, all of it far to the right."""
    figure = Figure()
    display = plot_rejection(rejected, error, ax=figure.subplots())
    assert display.ax_.get_xlim()[1] >= min(rejected)
    drawn(figure)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_reliability([], [], []), r"must be numbers of one shape \(n,\), at least one each"),
        (lambda: plot_reliability([0.5], [0.5, 0.6], [1]), "must be numbers of one shape"),
        (lambda: plot_reliability([1.5], [0.5], [1]), r"confidence must be in \[0, 1\]; got 1.5"),
        (lambda: plot_reliability([0.5], [np.nan], [1]), r"accuracy must be in \[0, 1\]"),
        (lambda: plot_reliability([0.5], [0.5], [0]), "count must hold one number of at least 1 for each"),
        (lambda: plot_rejection([[0.5]], [[0.5]]), "must be numbers of one shape"),
        (lambda: plot_rejection(["a"], [0.5]), "rejected is <U1"),
        (lambda: plot_rejection([0.5], [-0.5]), r"error_rate must be in \[0, 1\]; got -0.5"),
    ],
)
def test_curves_of_what_are_no_shares_are_refused(draw, message):
    """The message names the offender."""
    with pytest.raises(DataError, match=message):
        draw()


LAYERS = [
    ("input", np.linspace(0, 1, 64).reshape(8, 8)),
    ("c1", np.linspace(-1, 1, 8 * 8 * 6).reshape(8, 8, 6)),
    ("dead", np.zeros((4, 4, 2))),
    ("f6", np.arange(84.0)),
    ("few", np.arange(5.0)),
]


def test_feature_maps_have_a_panel_for_each_layer_and_one_for_the_answer():
    """Named, counted, and of every value a pixel."""
    figure = Figure()
    display = plot_feature_maps(LAYERS, [0.25, 0.75], ["$a$", "b"], title="a $7", figure=figure)
    assert [ax.get_title() for ax in display.axes_] == ["input", "c1", "dead", "f6", "few", "output"]
    notes = [ax.get_xlabel() for ax in display.axes_[:5]]
    assert notes == ["8 x 8", "6 maps of 8 x 8", "2 maps of 4 x 4", "84 units", "5 units"]
    for ax, (_, values) in zip(display.axes_, LAYERS, strict=False):
        shown = np.ma.compressed(ax.images[0].get_array())
        assert sorted(shown.tolist()) == sorted(values.ravel().tolist())
    assert display.axes_[3].images[0].get_array().shape == (12, 7), "as the paper draws F6"
    assert display.axes_[2].images[0].get_clim() == (0, 1), "what is dead is black"
    drawn(figure)


def test_maps_stand_whole_in_their_places():
    """Row by row, with a gap between them."""
    maps = np.zeros((3, 3, 6))
    maps[..., 1], maps[..., 3] = 1, 2
    shown = plot_feature_maps([("c1", maps)]).axes_[0].images[0].get_array()
    assert shown.shape == (7, 11)
    assert (shown[:3, 4:7] == 1).all()
    assert (shown[4:, :3] == 2).all()
    assert shown.mask[3].all()
    assert shown.mask[:, 3].all()


def test_filters_are_a_table_of_what_is_connected():
    """A row for each map below, mid grey for 0; what is not connected stays empty."""
    kernels = np.ones((5, 5, 2, 3))
    kernels[..., 0, 1] = np.nan
    display = plot_filters([("c1", np.full((5, 5, 1, 6), -0.5)), ("c3", kernels), ("large", np.ones((3, 3, 32, 64)))])
    assert [ax.get_title() for ax in display.axes_] == ["c1: 6 filters of 5 x 5", "c3: 3 filters of 5 x 5"]
    first, table = (ax.images[0] for ax in display.axes_)
    assert first.get_clim() == (-0.5, 0.5)
    assert table.get_array().shape == (11, 17)
    assert table.get_array().mask[:5, 6:11].all()
    assert not table.get_array().mask[6:, 6:11].any()
    drawn(display.figure_)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_feature_maps([]), "there must be at least one layer to draw"),
        (lambda: plot_feature_maps([("c1", np.zeros((1, 8, 8, 6)))]), r"c1 must hold numbers on 1 or 2 or 3 axes; got"),
        (lambda: plot_feature_maps([("c1", np.array(["a"]))]), "c1 must hold numbers"),
        (lambda: plot_feature_maps([("c1", np.zeros(0))]), "c1 must hold numbers"),
        (lambda: plot_feature_maps(LAYERS, [[0.5, 0.5]]), r"probabilities must have shape \(n_classes,\)"),
        (lambda: plot_feature_maps(LAYERS, [0.5, 0.5], ["a"]), "one class per probability: expected 2; got 1"),
        (lambda: plot_filters([]), "there are no filters to draw: 0 layers"),
        (lambda: plot_filters([("c3", np.zeros((3, 3, 64, 64)))]), "more than 512"),
        (lambda: plot_filters([("c1", np.zeros((5, 5, 6)))]), "c1 must hold numbers on 4 axes"),
    ],
)
def test_layers_that_cannot_be_drawn_are_refused(draw, message):
    """The message names the layer."""
    with pytest.raises(DataError, match=message):
        draw()

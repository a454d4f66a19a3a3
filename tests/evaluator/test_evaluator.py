"""What a model's answers are worth: figures against independent ones, tables, refusals, pictures."""

import contextlib
import json
import math
import subprocess
import sys

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lenetkit.evaluator import Evaluation, evaluate
from lenetkit.exceptions import DataError, LenetkitError, SettingError

# Four classes, of which "owl" is never predicted and "yak" has no image.
CLASSES = ["cat", "owl", "dog", "yak"]
LABELS = ["cat", "cat", "cat", "dog", "dog", "owl"]
PROBABILITIES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],
        [0.4, 0.0, 0.6, 0.0],
        [0.3, 0.0, 0.7, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.8, 0.0, 0.2, 0.0],
        [0.9, 0.0, 0.1, 0.0],
    ]
)


@pytest.fixture
def animals() -> Evaluation:
    """Six animals: two right, four wrong, one of them thought impossible."""
    return evaluate(LABELS, PROBABILITIES, CLASSES)


def right_of(n_right: int, n: int) -> Evaluation:
    """Return the evaluation of a model that says 0 with certainty where 1 is true in the rest."""
    return evaluate([0] * n_right + [1] * (n - n_right), np.tile([1.0, 0.0], (n, 1)))


def test_accuracy_and_error_rate_count_the_right_answers(animals):
    """The shares of right and wrong answers add up to one."""
    assert animals.n == 6
    assert animals.n_errors == 4
    assert animals.accuracy == pytest.approx(2 / 6)
    assert animals.error_rate == pytest.approx(4 / 6)


def test_labels_and_predictions_are_class_labels(animals):
    """The labels come back as they went in, the predictions in the same form."""
    assert animals.labels.tolist() == LABELS
    assert animals.predictions.tolist() == ["cat", "dog", "dog", "dog", "cat", "cat"]


@pytest.mark.parametrize(("n_right", "n"), [(175, 180), (0, 5), (5, 5), (1, 2), (9912, 10000)])
def test_the_interval_is_wilsons(n_right, n):
    """The interval is the formula of Wilson (1927), also where nothing or everything is right."""
    z, p = 1.959963984540054, n_right / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert right_of(n_right, n).accuracy_interval == pytest.approx((centre - half, centre + half), abs=1e-12)


@pytest.mark.parametrize(
    ("n_right", "n", "line"),
    [
        (175, 180, "accuracy 97.22 % (95 % interval 93.7 to 98.8 %, n = 180)"),
        (9912, 10000, "accuracy 99.12 % (95 % interval 98.9 to 99.3 %, n = 10000)"),
        (1, 1, "accuracy 100.00 % (95 % interval 20.7 to 100.0 %, n = 1)"),
    ],
)
def test_the_summary_line_has_the_form_that_scripts_read(n_right, n, line):
    """Scripts rely on this line, and it is the first one that print shows."""
    evaluation = right_of(n_right, n)
    assert evaluation.summary_line == line
    assert str(evaluation).splitlines()[0] == line
    assert line in repr(evaluation)


def test_cross_entropy_is_the_mean_loss_and_an_impossible_truth_costs_sixteen(animals):
    """Losses are natural logarithms; a true class with probability 0 counts as 1e-7, as in Keras."""
    expected = [-math.log(p) for p in (0.7, 0.4, 0.3, 1.0, 0.2, 1e-7)]
    assert animals.losses == pytest.approx(expected)
    assert animals.cross_entropy == pytest.approx(sum(expected) / 6)


def test_per_class_gives_precision_recall_f1_and_support(animals):
    """Figures are counted by hand here; what is not defined is NaN and not 0."""
    table = animals.per_class
    assert table.index.tolist() == CLASSES
    assert table.columns.tolist() == ["precision", "recall", "f1", "support"]
    assert table["precision"].tolist() == pytest.approx([1 / 3, math.nan, 1 / 3, math.nan], nan_ok=True)
    assert table["recall"].tolist() == pytest.approx([1 / 3, 0, 1 / 2, math.nan], nan_ok=True)
    assert table["f1"].tolist() == pytest.approx([1 / 3, 0, 2 / 5, math.nan], nan_ok=True)
    assert table["support"].tolist() == [3, 1, 2, 0]


def test_the_confusion_matrix_has_true_rows_and_predicted_columns(animals):
    """The table is labelled, so that rows and columns can't be mixed up."""
    table = animals.confusion_matrix
    assert (table.index.name, table.columns.name) == ("true", "predicted")
    assert table.index.tolist() == table.columns.tolist() == CLASSES
    assert table.to_numpy().tolist() == [[1, 0, 2, 0], [1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert table.loc["cat", "dog"] == 2


def test_most_confused_lists_the_pairs_by_frequency_with_their_share(animals):
    """The share is that of the true class; ties keep the order of the classes; what did not happen is not listed."""
    table = animals.most_confused()
    pairs = list(zip(table["true"], table["predicted"], table["count"], strict=True))
    assert pairs == [("cat", "dog", 2), ("owl", "cat", 1), ("dog", "cat", 1)]
    assert table["share"].tolist() == pytest.approx([2 / 3, 1, 1 / 2])
    assert len(animals.most_confused(1)) == 1


def test_top_losses_lists_the_worst_images_first(animals):
    """Index, labels, loss and probability belong to the same image."""
    table = animals.top_losses(3)
    assert table["index"].tolist() == [5, 4, 2]
    assert table["true"].tolist() == ["owl", "dog", "cat"]
    assert table["predicted"].tolist() == ["cat", "cat", "dog"]
    assert table["probability"].tolist() == [0, 0.2, 0.3]
    assert table["loss"].tolist() == pytest.approx(animals.losses[[5, 4, 2]])
    assert len(animals.top_losses(100)) == 6


@pytest.mark.parametrize("k", [0, -1, 2.5, "3"])
@pytest.mark.parametrize("table", ["most_confused", "top_losses"])
def test_a_number_of_rows_that_cannot_be_meant_is_refused(animals, table, k):
    """The number k is a positive integer."""
    with pytest.raises(SettingError, match="k must be an integer of at least 1"):
        getattr(animals, table)(k)


def test_printing_shows_the_classes_the_confusions_and_the_figures(animals):
    """A person reads one row per class, what is confused with what, and the figures."""
    lines = str(animals).splitlines()
    assert lines[1] == "4 of 6 wrong, cross-entropy 3.3674"
    assert lines[3].split() == ["class", "precision", "recall", "f1", "support"]
    assert lines[5].split() == ["owl", "-", "0.0000", "0.0000", "1"]
    assert lines[-1] == "most confused: cat read as dog (2 times), owl read as cat (1 time), dog read as cat (1 time)"


def test_a_perfect_model_is_printed_without_confusions():
    """Where nothing is wrong there is nothing to list."""
    evaluation = right_of(4, 4)
    assert "most confused" not in str(evaluation)
    assert evaluation.most_confused().empty


def test_to_dict_is_strict_json_with_all_figures(animals):
    """Plain values only: no NaN, which JSON does not know, and no numpy numbers."""
    values = json.loads(json.dumps(animals.to_dict(), allow_nan=False))
    assert values["n"] == 6
    assert values["n_errors"] == 4
    assert values["classes"] == CLASSES
    assert values["accuracy"] == animals.accuracy
    assert values["error_rate"] == animals.error_rate
    assert values["accuracy_interval"] == list(animals.accuracy_interval)
    assert values["cross_entropy"] == animals.cross_entropy
    assert values["per_class"]["precision"] == [pytest.approx(1 / 3), None, pytest.approx(1 / 3), None]
    assert values["per_class"]["support"] == [3, 1, 2, 0]
    assert values["confusion_matrix"] == animals.confusion_matrix.to_numpy().tolist()


def test_an_evaluation_cannot_change_afterwards():
    """Changing the array that went in changes nothing; the fields can't be set."""
    probabilities = np.array([[0.9, 0.1]])
    evaluation = evaluate([0], probabilities)
    probabilities[:] = [[0.1, 0.9]]
    assert evaluation.n_errors == 0
    with pytest.raises(ValueError, match="read-only"):
        evaluation.probabilities[0] = 0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        evaluation.classes = [1, 2]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([1, 0], None),
        (np.array([1, 0], np.uint8), range(2)),
        (np.array([1.0, 0.0]), [0, 1]),
        (["b", "a"], ["a", "b"]),
        (np.array(["b", "a"]), np.array(["a", "b"])),
        (pd.Series(["b", "a"], index=[5, 6]), pd.Index(["a", "b"])),
        (pd.Categorical(["b", "a"]), ("a", "b")),
        ([True, False], [False, True]),
    ],
)
@pytest.mark.parametrize("form", [np.float32, np.float16, np.ndarray.tolist, pd.DataFrame])
def test_labels_and_probabilities_are_taken_in_any_form(labels, classes, form):
    """Arrays, lists and pandas objects give the same figures."""
    evaluation = evaluate(labels, form(np.array([[0.25, 0.75], [0.125, 0.875]])), classes)
    assert evaluation.n_errors == 1
    assert evaluation.cross_entropy == pytest.approx(-(math.log(0.75) + math.log(0.125)) / 2)


@pytest.mark.parametrize(
    ("labels", "probabilities", "classes", "message"),
    [
        ([0], [0.5, 0.5], None, r"probabilities must be numbers of shape \(n, n_classes\).*of shape \(2,\)"),
        ([0], np.empty((1, 0)), None, r"probabilities must be numbers of shape .*\(1, 0\)"),
        ([0], [["a", "b"]], None, "probabilities must be numbers of shape .*got <U1"),
        ([0], [[1j, 1]], None, "probabilities must be numbers of shape .*got complex128"),
        ([0], [[1], [0, 1]], None, "probabilities must have shape .* rows differ in length"),
        ([0, 0], [[1, 0], [math.nan, 1]], None, r"probabilities\[1\] must hold finite values.*got \[nan, 1\.0\]"),
        ([0, 0], [[1, 0], [math.inf, -math.inf]], None, r"probabilities\[1\] must hold finite values"),
        ([0], [[1.2, -0.2]], None, r"probabilities\[0\] must hold finite values in \[0, 1\]"),
        ([0], [[3.0, 2.0]], None, r"sum to 1; got \[3\.0, 2\.0\], sum 5\. Logits need a softmax first"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.49]], None, r"probabilities\[1\] .*sum 0\.99"),
        ([0, 1, 1], [[1, 0]], None, "one row of probabilities per label: got 1 for 3 labels"),
        ([], np.empty((0, 2)), None, "empty: there is nothing to evaluate"),
        ([0, 2, 3], np.eye(2)[[0, 1, 1]], None, r"labels\[1\] must be one of the classes \[0, 1\]; got 2 \(int\)"),
        ([0.5], [[1, 0]], None, r"labels\[0\] must be one of the classes \[0, 1\]; got 0\.5"),
        ([math.nan], [[1, 0]], None, r"labels\[0\] must be one of .*got nan"),
        ([None], [[1, 0]], None, r"labels\[0\] must be one of .*got None"),
        (["0"], [[1, 0]], None, r"labels\[0\] must be one of .*got '0' \(str\)"),
        ([1, "a"], np.eye(2), ["a", "b"], r"labels\[0\] must be one of .*got 1 \(int\)"),
        ([{}], [[1, 0]], None, r"labels\[0\] must be one of .*got \{\} \(dict\)"),
        (np.ma.masked_array([0, 1], [False, True]), np.eye(2), None, r"labels\[1\] must be one of .*got None"),
        (np.eye(2), np.eye(2), None, r"labels must have shape \(n,\); got \(2, 2\)\. For one-hot rows"),
        (0, np.eye(1), None, r"labels must have shape \(n,\); got \(\)"),
        ([0], [[1, 0]], [0, 1, 2], "one class per column of the probabilities: got 3 for 2"),
        ([0], [[1, 0]], [0, 0], r"classes must differ from one another; got \[0, 0\]"),
        ([0], [[1, 0]], [0, None], "classes must be integers, strings or bools; got None"),
        ([0], [[1, 0]], [[0], [0, 1]], r"classes must be integers, strings or bools; got \[0\]"),
        ([0], [[1, 0]], 2, r"classes must have shape \(n,\)"),
    ],
)
def test_what_does_not_fit_is_refused_naming_the_first_offender(labels, probabilities, classes, message):
    """Nothing is evaluated that is invalid."""
    with pytest.raises(DataError, match=message):
        evaluate(labels, probabilities, classes)


def test_rows_may_miss_one_by_a_rounding_error():
    """The output of a softmax in half precision is accepted."""
    evaluation = evaluate([0], [[0.9004, 0.1]])
    assert evaluation.cross_entropy == pytest.approx(-math.log(0.9004))


ANSWERS = st.integers(1, 5).flatmap(
    lambda k: st.tuples(
        hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, k - 1)),
        st.just(k),
        st.integers(0, 2**32 - 1),
    )
)


@settings(deadline=None)
@given(ANSWERS)
def test_figures_agree_with_one_another_and_do_not_depend_on_order(answers):
    """Confusions add up to the images; shuffling images or renaming and reordering classes changes no figure."""
    labels, k, seed = answers
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(k), len(labels))
    evaluation = evaluate(labels, probabilities)
    cells = evaluation.confusion_matrix.to_numpy()
    assert cells.sum() == evaluation.n == evaluation.per_class["support"].sum()
    assert np.trace(cells) == evaluation.n - evaluation.n_errors
    assert evaluation.most_confused(k * k)["count"].sum() == evaluation.n_errors
    low, high = evaluation.accuracy_interval
    assert low - 1e-12 <= evaluation.accuracy <= high + 1e-12

    order, columns = random.permutation(len(labels)), random.permutation(k)
    names = np.array([f"class {label}" for label in range(k)])
    other = evaluate(names[labels[order]], probabilities[order][:, columns], names[columns])
    assert other.n_errors == evaluation.n_errors
    assert other.cross_entropy == pytest.approx(evaluation.cross_entropy)
    assert other.confusion_matrix.loc[names, names].to_numpy().tolist() == cells.tolist()


@settings(deadline=None)
@given(
    hnp.arrays(dtype=hnp.scalar_dtypes(), shape=hnp.array_shapes(min_dims=0, max_dims=2, min_side=0)),
    hnp.arrays(dtype=hnp.scalar_dtypes(), shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)),
)
def test_any_arrays_give_a_result_or_a_lenetkit_error(labels, probabilities):
    """No array whatever makes the evaluator fail with an error of somebody else."""
    with contextlib.suppress(LenetkitError):
        assert evaluate(labels, probabilities).n == len(labels)


def test_plot_confusion_draws_the_matrix_with_its_classes(animals):
    """The picture holds the matrix's numbers, and an axes of the caller's is used."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    ax = figure.subplots()
    display = animals.plot_confusion(ax=ax)
    assert display.ax_ is ax
    assert [label.get_text() for label in ax.get_xticklabels()] == CLASSES
    assert display.texts_[0, 2].get_text() == "2"
    assert animals.plot_confusion(ax=figure.subplots(), normalize="true").texts_[0, 2].get_text() == "66.7"


def test_plot_errors_draws_exactly_the_misread_images_worst_first(animals):
    """Each image stands under its true and predicted label."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 3, 3), np.uint8)
    display = animals.plot_errors(images, figure=figure)
    assert [ax.images[0].get_array()[0, 0] for ax in display.axes_] == [5, 4, 2, 1]
    assert [ax.get_title() for ax in display.axes_] == ["owl → cat", "dog → cat", "cat → dog", "cat → dog"]
    assert figure.get_suptitle() == "misread: true → predicted"


def test_plot_errors_breaks_long_class_names_and_says_how_many_there_are(animals):
    """Long titles would run into their neighbours; what is left out is said."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    evaluation = attrs.evolve(animals, classes=np.array(["ankle boot", "owl", "t-shirt", "yak"]))
    display = evaluation.plot_errors([np.zeros((3, 3), np.uint8)] * 6, max_images=3, figure=figure)
    assert display.axes_[1].get_title() == "t-shirt →\nankle boot"
    assert figure.get_suptitle() == "misread: true → predicted, the first 3 of 4"


def test_plot_errors_of_a_perfect_model_says_so():
    """No error is good news and no exception."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    display = right_of(2, 2).plot_errors(np.zeros((2, 3, 3)), figure=figure)
    assert len(display.axes_) == 0
    assert figure.get_suptitle() == "none of 2 images was misread"


def test_plot_errors_refuses_other_images_than_were_evaluated(animals):
    """Pictures of other images would be lies."""
    with pytest.raises(DataError, match="images must be the 6 that were evaluated, in the same order; got 5"):
        animals.plot_errors(np.zeros((5, 3, 3)))


def test_importing_the_evaluator_loads_numpy_and_nothing_heavier():
    """Tables, metrics and pictures are imported when they are asked for."""
    heavy = "{'tensorflow', 'keras', 'sklearn', 'pandas', 'scipy', 'matplotlib'}"
    code = f"import sys, lenetkit.evaluator; print(*{{name.split('.')[0] for name in sys.modules}} & {heavy})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""


def test_reliability_compares_confidence_and_accuracy_bin_by_bin():
    """Hand-made: two bins, an upper edge belongs to its bin, empty bins are left out."""
    evaluation = evaluate([0, 0, 1, 0], [[0.6, 0.4], [0.8, 0.2], [0.8, 0.2], [1.0, 0.0]])
    table = evaluation.reliability(5)
    assert table["low"].tolist() == [pytest.approx(0.4), pytest.approx(0.6), pytest.approx(0.8)]
    assert table["count"].tolist() == [1, 2, 1]
    assert table["confidence"].tolist() == pytest.approx([0.6, 0.8, 1.0])
    assert table["accuracy"].tolist() == pytest.approx([1.0, 0.5, 1.0])


def test_an_edge_that_binary_arithmetic_misses_belongs_to_its_bin():
    """0.28 * 25 is more than 7."""
    table = evaluate([0], [[0.28, 0.24, 0.24, 0.24]]).reliability(n_bins=25)
    assert table[["low", "high", "count"]].to_numpy().tolist() == [[0.24, 0.28, 1]]


@given(st.integers(1, 60), st.data(), st.sampled_from([np.float32, np.float64]))
def test_a_bin_holds_its_upper_edge(n_bins, data, dtype):
    """In either precision; what lies above it belongs to the next bin."""
    edge = data.draw(st.integers(-(-n_bins // 2), n_bins), label="edge")
    confidence = dtype(edge / n_bins)
    for value, expected in ((confidence, edge), (np.nextafter(confidence, dtype(2)), min(edge + 1, n_bins))):
        table = evaluate([0], np.array([[value, 1 - value]], dtype).clip(0)).reliability(n_bins)
        assert table["high"].tolist() == [expected / n_bins]


def test_the_calibration_error_is_the_mean_distance():
    """0 for who is right as often as sure; the distance for who is always as sure."""
    right = np.tile([0.75, 0.25], (4, 1))
    assert evaluate([0, 0, 0, 1], right).calibration_error == pytest.approx(0)
    assert evaluate([0, 1, 1, 1], right).calibration_error == pytest.approx(0.5)
    assert right_of(9, 10).calibration_error == pytest.approx(0.1)


@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_bins_hold_every_image_once_and_never_more_error_than_there_is(n, n_classes, seed, n_bins):
    """The bins' means, weighted, are the whole's; more bins never hide an error."""
    rng = np.random.default_rng(seed)
    evaluation = evaluate(rng.integers(0, n_classes, n), rng.dirichlet(np.ones(n_classes), n), range(n_classes))
    table = evaluation.reliability(n_bins)
    assert table["count"].sum() == n
    assert (table["accuracy"] * table["count"]).sum() / n == pytest.approx(evaluation.accuracy)
    mean_confidence = evaluation.probabilities.max(axis=1).mean()
    assert evaluation.calibration_error >= abs(mean_confidence - evaluation.accuracy) - 1e-9


@pytest.mark.parametrize("n_bins", [0, -1, 2.5, True, "15"])
def test_a_strange_number_of_bins_is_refused(n_bins):
    """As a setting."""
    with pytest.raises(SettingError, match="n_bins must be an integer of at least 1; got"):
        right_of(1, 2).reliability(n_bins)


def test_the_rejection_curve_drops_the_least_sure_first():
    """Hand-made: equally sure answers are rejected together."""
    evaluation = evaluate([0, 1, 0, 1], [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.3, 0.7]])
    curve = evaluation.rejection_curve()
    assert curve["threshold"].tolist() == [0.6, 0.7, 0.9]
    assert curve["rejected"].tolist() == [0, 0.5, 0.75]
    assert curve["error_rate"].tolist() == [0.25, 0, 0]
    assert curve["answered"].tolist() == [4, 2, 1]
    assert curve["errors"].tolist() == [1, 0, 0]


def test_the_rejection_curve_begins_with_the_error_of_all(animals):
    """Nothing rejected is the error rate."""
    first = animals.rejection_curve().iloc[0]
    assert first["rejected"] == 0
    assert first["error_rate"] == pytest.approx(animals.error_rate)

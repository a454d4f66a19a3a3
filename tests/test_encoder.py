"""Labels to targets and back: what is accepted, what is refused and how, and what a saved encoder carries."""

import contextlib
import copy
import datetime as dt
import json
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError, LenetkitError, NotFittedError, SettingError

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text)
LABELS = st.one_of(st.lists(kind, min_size=1, max_size=30) for kind in (INT64, TEXT, st.booleans()))


@pytest.mark.parametrize(
    ("labels", "classes", "dtype"),
    [
        ([5, 0, 4, 5], [0, 4, 5], np.int64),
        (np.array([5, 0, 4], np.uint8), [0, 4, 5], np.int64),
        ((1, -1), [-1, 1], np.int64),
        (range(3), [0, 1, 2], np.int64),
        (np.array([3.0, 1.0, -0.0]), [0, 1, 3], np.int64),
        ([np.float32(2), 1], [1, 2], np.int64),
        (np.array([2, 1], object), [1, 2], np.int64),
        (np.array([2**63 - 1, 0], np.uint64), [0, 2**63 - 1], np.int64),
        (["b", "a", "b"], ["a", "b"], np.dtype("<U1")),
        (np.array(["seven", "one"]), ["one", "seven"], np.dtype("<U5")),
        ([True, False, True], [False, True], np.bool_),
        (pd.Series([3, 1], index=[7, 9]), [1, 3], np.int64),
        (pd.Series([3, 1], dtype="Int64"), [1, 3], np.int64),
        (pd.Series(["x", "y"], dtype="category"), ["x", "y"], np.dtype("<U1")),
        (pd.Categorical([2, 1, 2]), [1, 2], np.int64),
        (pd.Index(["x", "y"]), ["x", "y"], np.dtype("<U1")),
        (np.ma.masked_array([2, 1], mask=[False, False]), [1, 2], np.int64),
    ],
)
def test_fit_learns_the_sorted_classes_from_any_kind_of_labels(labels, classes, dtype):
    """Arrays, lists, ranges, Series and Categoricals of whole numbers, strings and bools give sorted classes."""
    encoder = LabelEncoder().fit(labels)
    assert encoder.classes_.tolist() == classes
    assert encoder.classes_.dtype == dtype


def test_transform_gives_one_float32_one_per_row():
    """Targets are one-hot float32 rows in the order of the classes, also for labels in another form than fit saw."""
    targets = LabelEncoder().fit([5, 0, 4]).transform(pd.Series([4.0, 5.0]))
    assert targets.dtype == np.float32
    assert targets.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_indices_are_int64_positions_in_classes():
    """Sparse targets point into ``classes_``."""
    encoder = LabelEncoder().fit(["b", "a", "c"])
    positions = encoder.indices(["c", "a"])
    assert positions.dtype == np.int64
    assert encoder.classes_[positions].tolist() == ["c", "a"]


def test_fit_transform_is_fit_then_transform():
    """The shortcut learns the classes and encodes the same labels."""
    encoder = LabelEncoder()
    assert encoder.fit_transform([7, 3]).tolist() == [[0, 1], [1, 0]]
    assert encoder.classes_.tolist() == [3, 7]


def test_fixed_classes_keep_their_order_and_those_that_training_lacks():
    """Classes given beforehand exist in the given order whether the training labels hold them or not."""
    encoder = LabelEncoder(classes=["two", "one", "three"]).fit(["one"])
    assert encoder.classes_.tolist() == ["two", "one", "three"]
    assert encoder.indices(["three", "two", "one"]).tolist() == [2, 0, 1]


def test_fixed_classes_are_a_copy():
    """Changing the array given as classes does not change a fitted encoder."""
    classes = np.arange(3)
    encoder = LabelEncoder(classes=classes).fit([0])
    classes[:] = 9
    assert encoder.classes_.tolist() == [0, 1, 2]


def test_constructor_keeps_its_argument_untouched():
    """The constructor computes nothing, so that even nonsense is only refused by fit."""
    nonsense = [1, "a"]
    assert LabelEncoder(nonsense).classes is nonsense


def test_no_labels_give_no_rows():
    """Transforming an empty list keeps the number of columns."""
    encoder = LabelEncoder(classes=range(10)).fit([1])
    assert encoder.transform([]).shape == (0, 10)
    assert encoder.indices(np.empty(0)).dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([7, 3.7], r"labels\[1\] must be an integer, a string or a bool; got 3\.7\. It is not rounded"),
        (np.array([7, 3.7, np.nan]), r"labels\[1\] must be an integer.*got 3\.7"),
        (np.array([7, np.nan]), r"labels\[1\] is missing \(got nan\)\. Drop the rows"),
        (np.array([7, np.inf]), r"labels\[1\] must be an integer.*got inf"),
        (np.array([1e300]), r"labels\[0\] must be an integer.*got 1e\+300"),
        ([7, None], r"labels\[1\] is missing \(got None\)"),
        (["a", ""], r"labels\[1\] is missing \(got ''\)"),
        (np.array(["a", " \t"]), r"labels\[1\] is missing"),
        (["a\0"], r"labels\[0\] must not hold a NUL character; got 'a\\x00'"),
        (pd.Series([1, None], dtype="Int64"), r"labels\[1\] is missing \(got (<NA>|nan)\)"),
        (pd.Categorical(["x", None]), r"labels\[1\] is missing \(got nan\)"),
        (np.ma.masked_array([2, 1], mask=[False, True]), r"labels\[1\] is missing \(got None\)"),
        ([1, "a"], r"of one kind; got 1 \(int\) in row 0 and 'a' \(str\) in row 1"),
        ([True, 2], r"of one kind; got True \(bool\) in row 0 and 2 \(int\) in row 1"),
        ([[1, 2], [3, 4]], r"labels\[0\] must be an integer, a string or a bool; got \[1, 2\] \(list\)"),
        (np.eye(3), r"labels must have shape \(n,\); got \(3, 3\)\. .* for one-hot rows labels\.argmax"),
        (np.array(3), r"labels must have shape \(n,\); got \(\)"),
        (7, r"labels must be a list or one-dimensional array.*got 7 \(int\)"),
        ("721", r"labels must be a list or one-dimensional array.*got '721' \(str\)"),
        ({3, 1}, r"labels must be a list or one-dimensional array.*\(set\)"),
        ([b"a"], r"labels\[0\] must be an integer, a string or a bool; got b'a' \(bytes\)"),
        (np.array([1j]), r"labels\[0\] must be .* \(complex128\)"),
        (np.array(["2020-01-01"], "datetime64[ns]"), r"labels\[0\] must be .* \(datetime64\)"),
        (np.array([3], "timedelta64[ns]"), r"labels\[0\] must be .* \(timedelta64\)"),
        ([dt.date(2020, 1, 1)], r"labels\[0\] must be .* \(date\)"),
        (np.array([0, 2**63], np.uint64), r"labels\[1\] must fit into 64 bits; got a number of 64 bits"),
        ([10**5000], r"labels\[0\] must fit into 64 bits; got a number of 16610 bits"),
        ([], "labels is empty"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused_naming_the_first(labels, message):
    """Whatever is no label is named with its row and value instead of being rounded, dropped or guessed."""
    with pytest.raises(DataError, match=message):
        LabelEncoder().fit(labels)


@pytest.mark.parametrize(
    ("seen", "labels", "message"),
    [
        ([0, 1], [1, 0, 7, 9], r"labels\[2\] must be one of the 2 classes \(0, 1\); got 7\. .*classes="),
        (["a", "c"], ["b"], r"labels\[0\] must be one of the 2 classes \('a', 'c'\); got 'b'"),
        (["a", "c"], ["d"], r"labels\[0\] must be one of .*got 'd'"),
        ([0, 1], ["1"], r"labels must be of type int, as the classes are \(0, 1\); got str: labels\[0\] is '1'"),
        ([0, 1], [True], r"of type int, .*got bool"),
        (["1"], [1], r"of type str, .*got int: labels\[0\] is 1"),
        (list(range(12)), [12], r"\(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\)"),
    ],
)
@pytest.mark.parametrize("method", ["transform", "indices"])
def test_unseen_labels_are_refused_naming_the_first(seen, labels, message, method):
    """A label that fit has not seen is named with its row, value and the classes there are."""
    encoder = LabelEncoder().fit(seen)
    with pytest.raises(DataError, match=message):
        getattr(encoder, method)(labels)


def test_fit_refuses_labels_outside_the_fixed_classes_and_stays_unfitted():
    """With fixed classes a stray label is an error at fit already."""
    encoder = LabelEncoder(classes=range(3))
    with pytest.raises(DataError, match=r"labels\[1\] must be one of the 3 classes \(0, 1, 2\); got 3"):
        encoder.fit([0, 3])
    assert not hasattr(encoder, "classes_")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "classes is empty"),
        ([1, 2, 1], r"classes must differ from one another; got 1, 2, 1"),
        (10, r"classes must be a list or one-dimensional array such as .*range\(10\); got 10 \(int\)"),
        ([1, "a"], "classes must be of one kind"),
        ([0.5], r"classes\[0\] must be an integer"),
    ],
)
def test_fixed_classes_that_cannot_be_meant_are_refused(classes, message):
    """The constructor's argument is checked by fit and named as what it is: a setting."""
    with pytest.raises(SettingError, match=message):
        LabelEncoder(classes=classes).fit([1])


@pytest.mark.parametrize(
    "use",
    [
        lambda encoder: encoder.classes_,
        lambda encoder: encoder.transform([1]),
        lambda encoder: encoder.indices([1]),
        lambda encoder: encoder.inverse_transform([[1]]),
        lambda encoder: encoder.to_dict(),
    ],
)
def test_everything_before_fit_is_a_not_fitted_error(use):
    """Whoever forgets fit is told so, also when the classes were fixed."""
    with pytest.raises(NotFittedError, match=r"call fit\(labels\) first"):
        use(LabelEncoder(classes=[1]))


def test_inverse_transform_takes_the_largest_value_and_of_equals_the_first():
    """Probabilities become labels of the classes' dtype; a tie goes to the class that comes first."""
    encoder = LabelEncoder().fit(["one", "seven"])
    assert encoder.inverse_transform([[0.2, 0.8], [0.5, 0.5]]).tolist() == ["seven", "one"]
    assert encoder.inverse_transform(pd.DataFrame([[1, 0]])).dtype == encoder.classes_.dtype
    assert encoder.inverse_transform(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[0.1, 0.9], [np.nan, 1]], r"targets\[1\] must hold finite numbers, not all of them 0; got \[nan, 1\.0\]"),
        ([[0.1, np.inf]], r"targets\[0\] must hold finite numbers"),
        ([[0, 1], [0, 0]], r"targets\[1\] must hold finite numbers, not all of them 0; got \[0, 0\]"),
        ([0.1, 0.9], r"targets must be numbers of shape \(n, 2\).*of shape \(2,\)\. For a single row"),
        (np.ones((1, 3)), r"targets must be numbers of shape \(n, 2\).*\(1, 3\)"),
        ([["a", "b"]], r"targets must be numbers of shape \(n, 2\).*got <U1"),
        ([[1], [0, 1]], r"targets must have shape \(n, 2\); their rows differ in length"),
    ],
)
def test_inverse_transform_refuses_rows_that_name_no_class(targets, message):
    """Wrong shapes, NaN and rows of zeros are errors, where argmax would quietly answer the first class."""
    with pytest.raises(DataError, match=message):
        LabelEncoder().fit([0, 1]).inverse_transform(targets)


@settings(deadline=None)
@given(LABELS)
def test_round_trip_gives_the_labels_back(labels):
    """Encoding and decoding is the identity, with learnt and with fixed classes."""
    encoder = LabelEncoder().fit(labels)
    assert encoder.inverse_transform(encoder.transform(labels)).tolist() == labels
    backwards = LabelEncoder(classes=encoder.classes_[::-1]).fit(labels)
    assert backwards.inverse_transform(backwards.transform(labels)).tolist() == labels
    assert encoder.transform(labels).sum() == len(labels)


@settings(deadline=None)
@given(LABELS, st.booleans())
def test_saved_as_json_and_loaded_it_is_the_same_encoder(labels, fixed):
    """What to_dict writes survives JSON and gives the same classes, dtype and setting back."""
    encoder = LabelEncoder(classes=sorted(set(labels)) if fixed else None).fit(labels)
    loaded = LabelEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert loaded.classes_.tolist() == encoder.classes_.tolist()
    assert loaded.classes_.dtype == encoder.classes_.dtype
    assert loaded.classes == encoder.classes


@settings(deadline=None)
@given(
    hnp.arrays(
        dtype=st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes()),
        shape=hnp.array_shapes(min_dims=0, max_dims=2, min_side=0),
    )
)
def test_any_array_gives_a_result_or_a_lenetkit_error(array):
    """No array whatever makes the encoder fail with an error of somebody else."""
    digits = LabelEncoder(classes=range(3)).fit([0])
    for use in (LabelEncoder().fit_transform, digits.transform, digits.inverse_transform):
        with contextlib.suppress(LenetkitError):
            assert len(use(array)) == len(array)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("int", r"must have the keys kind, classes and fixed; got 'int'"),
        ({"kind": "int", "classes": [1]}, r"must have the keys kind, classes and fixed; got \{'classes'"),
        ({"kind": "int", "classes": [1], "fixed": False, "code": "x"}, "must have the keys kind, classes and fixed"),
        ({"kind": "str", "classes": [1], "fixed": False}, "must be of kind 'int'"),
        ({"kind": "int", "classes": [1], "fixed": 0}, "must be of kind 'int'"),
        ({"kind": "int", "classes": [1, None], "fixed": False}, r"classes\[1\] is missing"),
        ({"kind": "int", "classes": [1, 1], "fixed": False}, "classes must differ"),
        ({"kind": "int", "classes": [], "fixed": False}, "classes is empty"),
        ({"kind": "int", "classes": {"a": 1}, "fixed": False}, "classes must be a list"),
    ],
)
def test_from_dict_refuses_what_to_dict_cannot_have_written(values, message):
    """A damaged or hostile file is a DataError, never a half-made encoder."""
    with pytest.raises(DataError, match=message):
        LabelEncoder.from_dict(values)


def test_copies_and_pickles_are_as_good_as_the_encoder():
    """Workers in other processes get the same encoder."""
    encoder = LabelEncoder(classes=[2, 1]).fit([1])
    for twin in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert twin.transform([1]).tolist() == [[0, 1]]
    assert repr(encoder) == "LabelEncoder(classes=[2, 1])"
    assert repr(LabelEncoder()) == "LabelEncoder()"


@pytest.mark.tensorflow
def test_one_hot_rows_agree_bit_for_bit_with_keras():
    """Where both apply, the targets are those that keras.utils.to_categorical makes."""
    keras = pytest.importorskip("keras")
    labels = np.random.default_rng(0).integers(0, 10, 1000)
    theirs = keras.utils.to_categorical(labels, 10).astype(np.float32)
    ours = LabelEncoder(classes=range(10)).fit_transform(labels)
    assert ours.tobytes() == theirs.tobytes()
    assert ours.flags.c_contiguous


def test_importing_the_encoder_loads_numpy_and_nothing_heavier():
    """The encoder runs where neither TensorFlow nor scikit-learn nor pandas may be loaded."""
    code = (
        "import sys, lenetkit.encoder as e; e.LabelEncoder().fit_transform([1, 2, 3]);"
        "print(*{name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'sklearn', 'pandas', 'scipy'})"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""

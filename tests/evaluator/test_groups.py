"""Figures by group: another writer's images are what matters, not more of the same writer's."""

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit.datasets import Dataset
from lenetkit.evaluator import evaluate
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import draw_digits

# Ten writers of 20 images; all errors are two writers'.
WRITERS = np.repeat(np.arange(10), 20)
RIGHT = ~((WRITERS < 2) & (np.arange(200) % 20 < 10))
LABELS = np.zeros(200, np.int64)
PROBABILITIES = np.where(RIGHT[:, None], [0.9, 0.1], [0.1, 0.9])


def test_the_worst_writers_come_first() -> None:
    table = evaluate(LABELS, PROBABILITIES, groups=WRITERS).per_group
    assert table.index.tolist() == list(range(10))
    assert table["n"].tolist() == [20] * 10
    assert table["n_errors"].tolist() == [10, 10, *[0] * 8]
    assert table["accuracy"].tolist() == [0.5, 0.5, *[1.0] * 8]
    assert len(evaluate(LABELS, PROBABILITIES).per_group) == 0


def test_the_interval_resamples_writers() -> None:
    """Ten writers say less than 200 images: the interval is wider, and holds the accuracy."""
    plain, grouped = evaluate(LABELS, PROBABILITIES), evaluate(LABELS, PROBABILITIES, groups=WRITERS)
    widths = [high - low for low, high in (plain.accuracy_interval, grouped.accuracy_interval)]
    assert widths[1] > 1.5 * widths[0]
    assert grouped.accuracy_interval[0] < grouped.accuracy < grouped.accuracy_interval[1]
    assert grouped.accuracy_interval == evaluate(LABELS, PROBABILITIES, groups=WRITERS).accuracy_interval
    assert "n = 200 in 10 groups)" in str(grouped)


def test_the_interval_holds_as_often_as_it_says() -> None:
    """Of writers whose accuracies differ; measured on 300 samples of 30 writers each."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        skill = rng.beta(18, 2, size=30)
        right = rng.random((30, 20)) < skill[:, None]
        rows = np.where(right.reshape(-1, 1), [0.9, 0.1], [0.1, 0.9])
        low, high = evaluate(np.zeros(600, int), rows, groups=np.repeat(np.arange(30), 20)).accuracy_interval
        held += low <= 0.9 <= high
    assert 0.88 < held / 300 < 0.99


def test_without_an_error_the_interval_is_that_of_one_answer_a_writer() -> None:
    low, high = evaluate(LABELS, np.tile([0.9, 0.1], (200, 1)), groups=WRITERS).accuracy_interval
    assert 0.6 < low < 0.8
    assert high == 1


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "one group for each label: got 2 groups for 200 labels"),
        ([None] * 200, r"groups\[0\] must be an integer or a string"),
        ([0.5] * 200, r"groups\[0\] must be an integer or a string"),
        (["a", *[1] * 199], r"groups\[1\] must be an integer or a string, as groups\[0\]"),
        (np.zeros((200, 2)), r"groups must have shape \(n,\)"),
    ],
)
def test_other_groups_are_refused(groups: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(LABELS, PROBABILITIES, groups=groups)  # type: ignore[arg-type]


def test_a_pipeline_evaluates_by_writer() -> None:
    drawn = draw_digits(60, seed=3)
    evaluation = Pipeline.pretrained().evaluate(drawn.images, drawn.labels, groups=np.arange(60) % 3)
    assert evaluation.per_group["n"].tolist() == [20, 20, 20]


def test_a_split_by_groups_leaves_writers_whole() -> None:
    """As scikit-learn's GroupShuffleSplit does it."""
    from sklearn.model_selection import GroupShuffleSplit

    data = Dataset(images=np.zeros((200, 8, 8), np.uint8), labels=np.arange(200) % 10, groups=WRITERS)
    train, test = data.split(test_size=0.3, seed=4, groups=True)
    assert train.groups is not None
    assert test.groups is not None
    assert not set(train.groups.tolist()) & set(test.groups.tolist())
    assert len(set(test.groups.tolist())) == 3
    rows = next(GroupShuffleSplit(1, test_size=0.3, random_state=4).split(np.zeros(200), groups=WRITERS))
    assert test.groups.tolist() == WRITERS[rows[1]].tolist()


def test_a_split_by_groups_that_cannot_be_is_refused() -> None:
    data = Dataset(images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1])
    with pytest.raises(SettingError, match="has no groups to split by"):
        data.split(groups=True)
    data = Dataset(images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1], groups=[1, 1, 1, 1])
    with pytest.raises(SettingError, match="cannot be split by groups"):
        data.split(test_size=0.5, groups=True)
    with pytest.raises(SettingError, match="a number of groups from 1 to 0"):
        data.split(test_size=1, groups=True)

"""Tests for `lenetkit.comparison`."""

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest

from lenetkit import Pipeline, Trainer, compare, load_dataset
from lenetkit.cli.compare import compare as command
from lenetkit.comparison import _mcnemar, _Run
from lenetkit.datasets import Dataset
from lenetkit.exceptions import SettingError, UnknownNameError
from lenetkit.models import create_model, model_info

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return 300 small digits."""
    return load_dataset("digits")[:300]


@pytest.fixture(scope="module")
def contenders() -> dict[str, Pipeline]:
    """Return a network that learns and one that does not."""
    return {
        "never trained": Pipeline("mlp", trainer=Trainer(epochs=0, verbose=0)),
        "trained": Pipeline("lenet5", trainer=Trainer(epochs=4, batch_size=32, verbose=0)),
    }


@pytest.fixture(scope="module")
def table(contenders: dict[str, Pipeline], digits: Dataset) -> Any:
    """Return their comparison with two seeds."""
    return compare(contenders, digits, seeds=2)


def test_the_better_model_comes_first(table: Any) -> None:
    """With its mean, intervals, seconds and parameters."""
    assert table.index.tolist() == ["trained", "never trained"]
    best = table.loc["trained"]
    assert best["low"] < best["accuracy"] < best["high"]
    assert best["accuracy"] == pytest.approx(np.mean(table.attrs["per_seed"]["trained"]))
    assert best["deviation"] == pytest.approx(np.std(table.attrs["per_seed"]["trained"], ddof=1))
    assert best["seconds"] > 0
    assert table["parameters"].tolist() == [model_info("lenet5").n_parameters, model_info("mlp").n_parameters]


def test_a_great_difference_is_no_accident(table: Any) -> None:
    """The best model is not compared with itself."""
    assert np.isnan(table.loc["trained", "p_value"])
    assert table.loc["never trained", "p_value"] < 1e-6


def test_the_pipelines_are_left_alone(contenders: dict[str, Pipeline], table: Any) -> None:
    """They stay unfitted."""
    assert [pipeline._fitted for pipeline in contenders.values()] == [None, None]


@pytest.mark.slow
def test_each_run_is_a_pipeline_with_that_seed(contenders: dict[str, Pipeline], digits: Dataset, table: Any) -> None:
    """The figures can be had again by hand."""
    train, test = digits.split(test_size=0.2, seed=0)
    trainer = Trainer(epochs=4, batch_size=32, verbose=0, seed=1)
    again = Pipeline("lenet5", trainer=trainer).fit(train.images, train.labels)
    assert again.score(test.images, test.labels) == pytest.approx(table.attrs["per_seed"]["trained"][1])


def test_equal_models_do_not_differ(digits: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    """One seed, the same model twice, predefined splits instead of a split: p is 1, and each run has its line."""
    trainer = Trainer(epochs=0, verbose=0)
    same = {name: Pipeline("mlp", trainer=trainer) for name in ("one", "two")}
    table = compare(same, (digits[:100], digits[100:]), seeds=[7], verbose=1)
    assert table["p_value"].tolist()[1] == 1
    assert table["deviation"].isna().all()
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["one, seed 7", "two, seed 7"]


def run(right: str) -> _Run:
    """Return a run that read these images right."""
    return _Run(correct=np.array([letter == "+" for letter in right]), seconds=1.0, parameters=1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["++++++++"], ["--------"], 2 * 0.5**8),
        (["++++----"], ["----++++"], 1.0),
        (["+++-"], ["+++-"], 1.0),
        (["+++++++-"], ["-------+"], binomtest(7, 8).pvalue),
        (["++++++++", "++++++++", "++++----"], ["--------", "--------", "----++++"], 4 * 0.5**8),
        (["++++----", "++++----"], ["----++++", "----++++"], 1.0),
    ],
)
def test_only_images_that_one_reads_and_the_other_does_not_count(
    first: list[str], second: list[str], expected: float
) -> None:
    """By hand; of several seeds twice the median, and never more than 1."""
    assert _mcnemar([*map(run, first)], [*map(run, second)]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("models", "options", "error", "message"),
    [
        (["lenet5"], {}, SettingError, "at least two models to compare; got 1"),
        ("lenet5", {}, SettingError, "got the single name 'lenet5'"),
        (["lenet5", "mlp"], {"seeds": 0}, SettingError, "at least one seed; got 0"),
        (["lenet5", "mlpp"], {}, UnknownNameError, "Did you mean 'mlp'"),
        ({"a": "mlp", "b": 3}, {}, SettingError, "'b' must be the name of a model, or a Pipeline"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    models: Any, options: dict[str, Any], error: type[Exception], message: str, digits: Dataset
) -> None:
    """Before anything is trained."""
    with pytest.raises(error, match=message):
        compare(models, digits, **options)


def test_a_built_model_is_refused(digits: Dataset) -> None:
    """It would go on learning from seed to seed."""
    with pytest.raises(SettingError, match="so that each seed begins anew"):
        compare({"a": "mlp", "b": Pipeline(create_model("mlp", seed=0))}, digits)


@pytest.mark.slow
def test_the_command_line_compares() -> None:
    """A line for each training, and the table."""
    options = ["--dataset", "digits", "--epochs", "1", "--seeds", "2", "--test-size", "0.9"]
    answer = CliRunner().invoke(command, ["mlp", "lenet1", *options], catch_exceptions=False)
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines[:4]] == [
        f"{m}, seed {s}" for s in (0, 1) for m in ("mlp", "lenet1")
    ]
    assert lines[5] == "digits: 1,797 images, 2 seeds"
    assert lines[6].split() == ["accuracy", "low", "high", "deviation", "seconds", "parameters", "p_value"]
    assert {line.split()[0] for line in lines[8:10]} == {"mlp", "lenet1"}

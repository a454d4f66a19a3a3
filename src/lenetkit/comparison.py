"""Comparison of models on the same images with several seeds, with the significance of the difference.

In: names of models or pipelines, and data. Out: a pandas table, one row for each, the best first. Next: a decision.
"""

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.intervals import wilson_interval
from lenetkit.datasets import Dataset
from lenetkit.exceptions import SettingError
from lenetkit.models import model_info
from lenetkit.pipeline import Pipeline
from lenetkit.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]

# Fewer images make few steps per epoch; smaller batches make up for it.
_LARGE_SET, _BATCH_SIZE, _SMALL_BATCH_SIZE = 10_000, 128, 32


@attrs.frozen(kw_only=True)
class _Run:
    correct: npt.NDArray[np.bool_]
    seconds: float
    parameters: int


def compare(
    models: Mapping[str, Any] | Iterable[str],
    data: Dataset | tuple[Dataset, Dataset],
    *,
    seeds: int | Sequence[int] = 5,
    test_size: float = 0.2,
    verbose: int = 0,
) -> "pd.DataFrame":
    """Train each model with several seeds and compare their accuracies on the same test images.

    Parameters
    ----------
    models : mapping of str to Pipeline or str, or iterable of str
        The candidates by their names in the table: pipelines, fitted or not, whose settings are used and which are not
        changed, or names from :func:`lenetkit.models.list_models`, which train as long as the data set needs, with the
        default preset.
    data : Dataset or tuple of (training, test) Dataset
        A single data set is split once, stratified, for all models and seeds.
    seeds : int or sequence of int, default 5
        Number of seeds, from 0 on, or the seeds. Each decides weights, order and augmentation of a training per model.
    test_size : float, default 0.2
        Fraction of a single data set that is kept for testing.
    verbose : {0, 1}, default 0
        1 prints a line for each training.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``model``, the highest accuracy first, with the columns

        * ``accuracy``: mean over the seeds, 0 to 1;
        * ``low``, ``high``: Wilson's 95 % interval of this mean, the uncertainty from the choice of test images;
        * ``deviation``: standard deviation of the accuracy between seeds (NaN for one seed);
        * ``seconds``: mean wall time of training;
        * ``parameters``: trainable ones;
        * ``p_value``: of McNemar's exact test against the first row, image by image; NaN in the first row.

        ``attrs["per_seed"]`` holds the accuracies as a list for each model.

    Raises
    ------
    SettingError
        If there are no two models or no seeds, or a pipeline has a built Keras model, which would go on learning.
    UnknownNameError
        If no model has a given name.
    DataError
        If the data are invalid.

    Notes
    -----
    McNemar, Psychometrika 12 (1947): only images that one model reads and the other does not tell them apart; if the
    models were equally good, these would fall to either side like a fair coin. Several seeds give one test each; twice
    the median of their p-values is a p-value again, however they depend on one another (Meinshausen, Meier and
    Buehlmann, J. Am. Stat. Assoc. 104 (2009), section 3.1).

    Examples
    --------
    >>> from lenetkit import compare, load_dataset
    >>> table = compare(["lenet5", "mlp"], load_dataset("digits")[:600], seeds=2)
    >>> table.columns.tolist()
    ['accuracy', 'low', 'high', 'deviation', 'seconds', 'parameters', 'p_value']
    """
    require_library("comparing models", "tensorflow", "keras", "pandas", "sklearn")
    train, test = data if isinstance(data, tuple) else data.split(test_size=test_size, seed=0)
    all_seeds = range(seeds) if isinstance(seeds, int) else list(seeds)
    if not all_seeds:
        raise SettingError(f"there must be at least one seed; got {seeds!r}.")
    if isinstance(models, str):
        raise SettingError(f"models must be a mapping or a list of names; got the single name {models!r}.")
    named = models if isinstance(models, Mapping) else {name: name for name in models}
    contenders = {name: _create_pipeline(name, model, train) for name, model in named.items()}
    if len(contenders) < 2:
        raise SettingError(f"there must be at least two models to compare; got {len(contenders)}.")
    runs: dict[str, list[_Run]] = {name: [] for name in contenders}
    # Seed by seed, so that a slow hour of the machine falls on all of them.
    for seed in all_seeds:
        for name, pipeline in contenders.items():
            runs[name].append(run := _run(pipeline, train, test, seed))
            if verbose:
                print(f"{name}, seed {seed}: accuracy {run.correct.mean():.2%} in {run.seconds:.1f} s")  # noqa: T201
    return _table(runs)


def _create_pipeline(name: str, model: Any, train: Dataset) -> Pipeline:
    """Return a pipeline of a known model, checked before anything is trained."""
    if isinstance(model, str):
        batch_size = _BATCH_SIZE if len(train) >= _LARGE_SET else _SMALL_BATCH_SIZE
        model = Pipeline(model, trainer=Trainer(epochs=train.epochs, batch_size=batch_size, verbose=0))
    if not isinstance(model, Pipeline) or not isinstance(model.model, str):
        raise SettingError(
            f"{name!r} must be the name of a model, or a Pipeline of a named model, so that each seed begins anew; "
            f"got {model!r}. Register the builder with lenetkit.models.register_model."
        )
    model_info(model.model)
    return model


def _run(pipeline: Pipeline, train: Dataset, test: Dataset, seed: int) -> _Run:
    fresh = Pipeline(
        pipeline.model,
        model_options=pipeline.model_options,
        transforms=copy.deepcopy(pipeline.transforms),
        encoder=copy.deepcopy(pipeline.encoder),
        trainer=attrs.evolve(pipeline.trainer or Trainer(verbose=0), seed=seed),
    )
    began = time.perf_counter()
    fresh.fit(train.images, train.labels)
    seconds = time.perf_counter() - began
    if fresh.result_.stopped_by == "interrupt":
        raise KeyboardInterrupt  # a half-trained model must not be compared
    return _Run(
        correct=np.asarray(fresh.predict(test.images) == test.labels, bool),
        seconds=seconds,
        parameters=sum(int(np.prod(variable.shape)) for variable in fresh.model_.trainable_variables),
    )


def _table(runs: Mapping[str, list[_Run]]) -> "pd.DataFrame":
    import pandas as pd

    per_seed = {name: [float(run.correct.mean()) for run in runs[name]] for name in runs}
    best, *others = sorted(runs, key=lambda name: -float(np.mean(per_seed[name])))
    rows = []
    for name in (best, *others):
        accuracies = per_seed[name]
        low, high = wilson_interval(np.mean(accuracies), len(runs[name][0].correct))
        rows.append(
            {
                "accuracy": float(np.mean(accuracies)),
                "low": float(low),
                "high": float(high),
                "deviation": float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else float("nan"),
                "seconds": float(np.mean([run.seconds for run in runs[name]])),
                "parameters": runs[name][0].parameters,
                "p_value": float("nan") if name == best else _mcnemar(runs[best], runs[name]),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index([best, *others], name="model"))
    table.attrs["per_seed"] = {name: per_seed[name] for name in table.index}
    return table


def _mcnemar(first: Sequence[_Run], second: Sequence[_Run]) -> float:
    import_quietly("scipy.stats")
    from scipy.stats import binomtest

    p_values = []
    for one, other in zip(first, second, strict=True):
        differ = int((one.correct != other.correct).sum())
        p_values.append(float(binomtest(int((one.correct & ~other.correct).sum()), differ).pvalue) if differ else 1.0)
    return p_values[0] if len(p_values) == 1 else min(1.0, 2 * float(np.median(p_values)))

"""Models side by side: the same images, several seeds, and whether the difference means anything.

In: names of models or pipelines, and data. Out: a pandas table, one row for each, the best first. Next: a decision.
"""

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.intervals import wilson_interval
from lenetkit.datasets import Dataset
from lenetkit.exceptions import SettingError
from lenetkit.pipeline import Pipeline
from lenetkit.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]

# Fewer images make few steps per epoch; smaller batches make up for it.
_MANY = 10_000


@attrs.frozen(kw_only=True)
class _Run:
    right: npt.NDArray[np.bool_]
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
    """Train each model with several seeds and compare what they read right among the same test images.

    Parameters
    ----------
    models : mapping of str to Pipeline or str, or iterable of str
        What to compare, by the name that it has in the table: pipelines, fitted or not, whose settings are used and
        which are left alone, or names from :func:`lenetkit.models.list_models`, which train as long as the data set
        needs, with the default recipe.
    data : Dataset or tuple of (training, test) Dataset
        A single data set is split once, stratified, for all models and seeds.
    seeds : int or sequence of int, default 5
        How many seeds, from 0 on, or which. Each decides weights, order and augmentation of one training per model.
    test_size : float, default 0.2
        Share of a single data set that is kept for testing.
    verbose : {0, 1}, default 0
        1 prints a line for each training.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``model``, the highest accuracy first, with the columns

        * ``accuracy``: mean over the seeds, 0 to 1;
        * ``low``, ``high``: Wilson's 95 % interval of this mean for as many test images: what other test images might
          have given;
        * ``deviation``: of the accuracy between seeds (NaN for one seed): what other seeds might have given;
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
        If the data cannot be learnt from.

    Notes
    -----
    McNemar, Psychometrika 12 (1947): only images that one model reads and the other does not tell them apart; if the
    models were equally good, these would fall to either side as a fair coin does. With several seeds there is one such
    test for each; twice the median of their p-values is a p-value again, however they depend on one another
    (Meinshausen, Meier and Buehlmann, J. Am. Stat. Assoc. 104 (2009), section 3.1).

    Examples
    --------
    >>> from lenetkit import compare, load_dataset
    >>> table = compare(["lenet5", "mlp"], load_dataset("digits")[:600], seeds=2)
    >>> table.columns.tolist()
    ['accuracy', 'low', 'high', 'deviation', 'seconds', 'parameters', 'p_value']
    """
    train, test = data if isinstance(data, tuple) else data.split(test_size=test_size, seed=0)
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise SettingError(f"there must be at least one seed; got {seeds!r}.")
    contenders = {name: _as_pipeline(name, model, train) for name, model in _named(models).items()}
    if len(contenders) < 2:
        raise SettingError(f"there must be at least two models to compare; got {len(contenders)}.")
    runs: dict[str, list[_Run]] = {name: [] for name in contenders}
    # Seed by seed, so that a slow hour of the machine falls on all of them.
    for seed in numbers:
        for name, pipeline in contenders.items():
            run = _run(pipeline, train, test, seed)
            runs[name].append(run)
            if verbose:
                print(f"{name}, seed {seed}: accuracy {run.right.mean():.2%} in {run.seconds:.1f} s")  # noqa: T201
    return _table(runs)


def _named(models: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    if isinstance(models, str):
        raise SettingError(f"models must be a mapping or a list of names; got the single name {models!r}.")
    return dict(models) if isinstance(models, Mapping) else {name: name for name in models}


def _as_pipeline(name: str, model: Any, train: Dataset) -> Pipeline:
    """Return an unfitted pipeline, and complain about what is not known before anything is trained."""
    from lenetkit.models import model_info

    if isinstance(model, str):
        batch_size = 128 if len(train) >= _MANY else 32
        model = Pipeline(model, trainer=Trainer(epochs=train.epochs, batch_size=batch_size, verbose=0))
    if not isinstance(model, Pipeline) or not isinstance(model.model, str):
        raise SettingError(
            f"{name!r} must be the name of a model, or a Pipeline of a named model, so that each seed begins anew; "
            f"got {model!r}. Register the builder with lenetkit.models.register_model."
        )
    model_info(model.model)
    return model


def _run(pipeline: Pipeline, train: Dataset, test: Dataset, seed: int) -> _Run:
    trainer = attrs.evolve(pipeline.trainer or Trainer(verbose=0), seed=seed)
    fresh = Pipeline(
        pipeline.model,
        model_options=pipeline.model_options,
        transforms=copy.deepcopy(pipeline.transforms),
        encoder=copy.deepcopy(pipeline.encoder),
        trainer=trainer,
    )
    began = time.perf_counter()
    fresh.fit(train.images, train.labels)
    seconds = time.perf_counter() - began
    parameters = sum(int(np.prod(variable.shape)) for variable in fresh.model_.trainable_variables)
    right = fresh.predict(test.images) == test.labels
    return _Run(right=np.asarray(right, bool), seconds=seconds, parameters=parameters)


def _table(runs: Mapping[str, list[_Run]]) -> "pd.DataFrame":
    import pandas as pd

    per_seed = {name: [float(run.right.mean()) for run in of_model] for name, of_model in runs.items()}
    order = sorted(runs, key=lambda name: -float(np.mean(per_seed[name])))
    rows = []
    for name in order:
        accuracies = per_seed[name]
        low, high = wilson_interval(np.mean(accuracies), len(runs[name][0].right))
        rows.append(
            {
                "accuracy": float(np.mean(accuracies)),
                "low": float(low),
                "high": float(high),
                "deviation": float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else float("nan"),
                "seconds": float(np.mean([run.seconds for run in runs[name]])),
                "parameters": runs[name][0].parameters,
                "p_value": float("nan") if name == order[0] else _mcnemar(runs[order[0]], runs[name]),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(order, name="model"))
    table.attrs["per_seed"] = {name: per_seed[name] for name in order}
    return table


def _mcnemar(first: Sequence[_Run], second: Sequence[_Run]) -> float:
    from scipy.stats import binomtest

    p_values = []
    for one, other in zip(first, second, strict=True):
        only_one, only_other = int((one.right & ~other.right).sum()), int((other.right & ~one.right).sum())
        differ = only_one + only_other
        p_values.append(float(binomtest(only_one, differ).pvalue) if differ else 1.0)
    return p_values[0] if len(p_values) == 1 else min(1.0, 2 * float(np.median(p_values)))

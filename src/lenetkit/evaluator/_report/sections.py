"""The report's tables, their numbers formatted.

In: an evaluation. Out: rows of texts. Next: the template puts them in place.
"""

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit._utils.html import png_uri
from lenetkit.evaluator._metrics import Measures
from lenetkit.evaluator._report.description import DataFacts
from lenetkit.exceptions import DataError
from lenetkit.plotting import as_uint8

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["confused", "contested", "corruptions", "hardest", "operating_points", "per_class", "summary"]

_HARDEST = 32
_MOST_PAIRS = 10
# Pixels of the longer side of a digit's picture; photographs are shrunk to it.
_LARGEST = 160
_WANTED_ERRORS = (0.02, 0.01, 0.005, 0.002, 0.001)


def summary(evaluation: Measures) -> dict[str, Any]:
    """Return the headline figures."""
    return {
        "line": evaluation.summary_line,
        "accuracy": _percent(evaluation.accuracy),
        "interval": _interval(evaluation),
        "n": f"{evaluation.n:,}",
        "n_errors": f"{evaluation.n_errors:,}",
        "error_rate": _percent(evaluation.error_rate),
        "cross_entropy": f"{evaluation.cross_entropy:.4f}",
        "calibration_error": _percent(evaluation.calibration_error),
        "n_classes": len(evaluation.classes),
    }


def contested(evaluation: Measures, facts: DataFacts) -> dict[str, Any] | None:
    """Return the figures with and without the images whose labels are contested; None where none are known."""
    if not facts.contested:
        return None
    kept = np.setdiff1d(np.arange(evaluation.n), sorted(facts.contested))
    without = attrs.evolve(
        evaluation, true_indices=evaluation.true_indices[kept], probabilities=evaluation.probabilities[kept]
    )
    rows = [("all", evaluation), (f"without the {len(facts.contested)} contested", without)]
    return {
        "n": len(facts.contested),
        "n_errors": evaluation.n_errors - without.n_errors,
        "rows": [
            (name, f"{some.n:,}", f"{some.n_errors:,}", _percent(some.accuracy), _interval(some)) for name, some in rows
        ],
    }


def per_class(evaluation: Measures) -> list[tuple[str, ...]]:
    """Return class, precision, recall, F1 and support of each class."""
    return [
        (str(name), *(_percent(row[measure]) for measure in ("precision", "recall", "f1")), f"{int(row['support']):,}")
        for name, row in evaluation.per_class.iterrows()
    ]


def confused(evaluation: Measures) -> list[tuple[str, ...]]:
    """Return the most confused pairs of classes."""
    columns = (column.tolist() for _, column in evaluation.most_confused(_MOST_PAIRS).items())
    return [
        (str(true), str(predicted), "once" if count == 1 else f"{count:,} times", _percent(fraction))
        for true, predicted, count, fraction in zip(*columns, strict=True)
    ]


def hardest(evaluation: Measures, facts: DataFacts) -> list[dict[str, Any]]:
    """Return pictures of the images that the model got most wrong, or right with the least confidence.

    Raise DataError if an image cannot be drawn.
    """
    if facts.images is None:
        return []
    shown = []
    for index, true, predicted, _, of_true in evaluation.top_losses(_HARDEST).itertuples(index=False):
        row = int(index)
        try:
            image = np.asarray(facts.images[row])
        except ValueError as error:
            raise DataError(f"images[{row}] must be an array of pixels: {error}") from None
        shown.append(
            {
                "index": row,
                "picture": png_uri(as_uint8(image, index=row), _LARGEST),
                "true": str(true),
                "predicted": str(predicted),
                "of_true": _percent(of_true, 1),
                "of_predicted": _percent(evaluation.probabilities[row].max(), 1),
                "wrong": true != predicted,
                "contested": row in facts.contested,
            }
        )
    return shown


def operating_points(evaluation: Measures) -> list[tuple[str, ...]]:
    """Return the operating points of some error rates: how much to reject, and from which confidence on."""
    curve = evaluation.rejection_curve()
    return [
        (
            f"{100 * wanted:g} %",
            _percent(first["rejected"]),
            f"{first['threshold']:.4f}",
            f"{int(first['errors']):,} of {int(first['answered']):,}",
        )
        for wanted in _WANTED_ERRORS
        if wanted < evaluation.error_rate
        for _, first in curve[curve["error_rate"] <= wanted].head(1).iterrows()
    ]


def corruptions(table: "pd.DataFrame | None") -> dict[str, Any] | None:
    """Return the accuracies on spoilt images, each with how far it falls behind, from 0 to 1, for its colour."""
    if table is None:
        return None
    lost = (1 - table).clip(0, 1).fillna(0)
    rows = [
        (str(kind), [(_percent(value, 1), f"{0.75 * loss**0.7:.2f}") for value, loss in zip(*cells, strict=True)])
        for kind, *cells in zip(table.index, table.to_numpy(float), lost.to_numpy(float), strict=True)
    ]
    spoilt = table.drop(index="clean", errors="ignore").to_numpy(dtype=float)
    return {
        "severities": [str(severity) for severity in table.columns],
        "rows": rows,
        "mean": _percent(spoilt.mean(), 1) if spoilt.size else None,
        "n": f"{table.attrs['n']:,}" if "n" in table.attrs else None,
    }


def _interval(evaluation: Measures) -> str:
    low, high = evaluation.accuracy_interval
    return f"{100 * low:.2f} to {_percent(high)}"


def _percent(fraction: float, digits: int = 2) -> str:
    return "-" if math.isnan(fraction) else f"{100 * fraction:.{digits}f}\N{NO-BREAK SPACE}%"

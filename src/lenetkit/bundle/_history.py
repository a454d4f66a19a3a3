"""The learning curves and the provenance of a training run, as a saved pipeline keeps them.

In: the trainer's table and its provenance. Out: plain values and arrays for a file, and back.
Next: :class:`lenetkit.bundle.Bundle` holds both.

The same training gives the same values: no times, no memory, no paths, nothing that differs from run to run.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit.bundle._values import check_arrays
from lenetkit.exceptions import BundleError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["History", "check_provenance", "clean_provenance"]

_MOST_EPOCHS = 1_000_000
_MOST_COLUMNS = 1_000
_MOST_SETTINGS = 1_000
_LONGEST_NAME = 200
_LONGEST_TEXT = 2_000
# Keras measures in float32; whatever is larger is no measurement.
_LARGEST = float(np.finfo(np.float32).max)

# Callbacks are often given a path to write to, which is another in every run.
_NOT_KEPT = ("setting callbacks",)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@attrs.frozen(kw_only=True, eq=False)
class History:
    """Learning curves of a training run.

    Parameters
    ----------
    epochs : int
        Finished epochs.
    columns : dict of str to ndarray of shape (epochs,)
        Numbers or truth values; NaN where nothing was measured.

    Raises
    ------
    BundleError
        If something is not what is said here.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.bundle import History
    >>> history = History(epochs=2, columns={"loss": np.array([0.5, 0.25]), "val_loss": np.array([0.75, np.nan])})
    >>> history.last()
    {'loss': 0.25}
    """

    epochs: int
    columns: Mapping[str, npt.NDArray[Any]] = attrs.field(repr=lambda columns: f"<{', '.join(columns)}>")

    def __attrs_post_init__(self) -> None:
        if type(self.epochs) is not int or not 0 <= self.epochs <= _MOST_EPOCHS:
            raise _damaged(f"epochs must be an integer from 0 to {_MOST_EPOCHS:,}")
        for name, values in self.columns.items():
            _check_text("the name of a column", name, _LONGEST_NAME)
            if values.shape != (self.epochs,) or values.dtype.kind not in "fiub":
                raise _damaged(f"the column {name!r} must hold a number for each of {self.epochs} epochs")
            if values.dtype.kind == "f" and (np.abs(values.astype(np.float64)) > _LARGEST).any():
                raise _damaged(f"the column {name!r} holds a number that nobody can have measured")

    @classmethod
    def from_table(cls, table: "pd.DataFrame") -> "History":
        """Keep a table's columns of numbers; what is not finite counts as not measured."""
        columns = {}
        for name, column in list(table.items())[:_MOST_COLUMNS]:
            values = column.to_numpy()
            if values.dtype.kind == "f":
                values = values.astype(np.float64)
                values = np.where(np.abs(values) <= _LARGEST, values, np.nan)
            if values.dtype.kind in "fiub" and str(name).isprintable() and 0 < len(str(name)) <= _LONGEST_NAME:
                columns[str(name)] = values
        return cls(epochs=len(table), columns=columns)

    def to_table(self) -> "pd.DataFrame":
        """Return the learning curves as the trainer gave them: one row per epoch, counted from 1."""
        require_library("the table of learning curves", "pandas")
        import pandas as pd

        index = pd.RangeIndex(1, self.epochs + 1, name="epoch")
        return pd.DataFrame({name: values.copy() for name, values in self.columns.items()}, index=index)

    def last(self) -> dict[str, float]:
        """Return what was measured in the last epoch."""
        last = {name: float(values[-1]) for name, values in self.columns.items() if self.epochs}
        return {name: value for name, value in last.items() if not np.isnan(value)}

    @classmethod
    def from_extras(cls, values: Any, tensors: dict[str, npt.NDArray[Any]]) -> "tuple[History, dict[str, str]]":
        """Take history and provenance, as :meth:`to_extras` gave them, out of a file's extras.

        Raises
        ------
        BundleError
            If something is missing or is not what it should be.
        """
        if not isinstance(values, dict) or not {"epochs", "columns", "environment"} <= set(values):
            raise _damaged("it must name epochs, columns and environment")
        epochs, names = values["epochs"], values["columns"]
        if (
            not isinstance(names, list)
            or len(names) > _MOST_COLUMNS
            or not all(isinstance(name, str) for name in names)
        ):
            raise _damaged(f"the columns must be a list of at most {_MOST_COLUMNS:,} names")
        if len(set(names)) != len(names):
            raise _damaged("two columns have one name")
        columns = {
            name: np.empty(0) if epochs == 0 else _pop_column(tensors, f"training/{index:03d}", name)
            for index, name in enumerate(names)
        }
        return cls(epochs=epochs, columns=columns), values["environment"]

    def to_extras(self, provenance: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return plain values and arrays; an array has no NaN, but a mask beside it that says where one was."""
        tensors: dict[str, npt.NDArray[Any]] = {}
        if self.epochs:
            for index, values in enumerate(self.columns.values()):
                missing = np.isnan(values)
                tensors[f"training/{index:03d}"] = np.where(missing, 0, values).astype(values.dtype)
                if missing.any():
                    tensors[f"training/{index:03d}/missing"] = missing
        return {"epochs": self.epochs, "columns": list(self.columns), "environment": dict(provenance)}, tensors


def check_provenance(provenance: Any) -> None:
    """Refuse what is no table of settings and their texts.

    Raises
    ------
    BundleError
        Naming the first offender.
    """
    if not isinstance(provenance, dict):
        raise _damaged("the provenance must be a table of settings")
    if len(provenance) > _MOST_SETTINGS:
        raise _damaged(f"there are more than {_MOST_SETTINGS:,} settings")
    for name, text in provenance.items():
        _check_text("the name of a setting", name, _LONGEST_NAME)
        _check_text(f"the setting {name!r}", text, _LONGEST_TEXT, empty=True)


def clean_provenance(provenance: Mapping[str, str]) -> dict[str, str]:
    """Return what a file keeps of a provenance: no callbacks, no addresses in memory, each text on one line."""
    return {
        name: "".join(character if character.isprintable() else " " for character in _ADDRESS.sub("", text))[
            :_LONGEST_TEXT
        ]
        for name, text in provenance.items()
        if not name.startswith(_NOT_KEPT)
    }


def _pop_column(tensors: dict[str, npt.NDArray[Any]], key: str, name: str) -> npt.NDArray[Any]:
    if key not in tensors:
        raise _damaged(f"the column {name!r} is missing")
    values, mask = tensors.pop(key), tensors.pop(f"{key}/missing", None)
    check_arrays({f"the column {name!r}": values})
    if mask is None:
        return values
    if values.dtype.kind != "f" or mask.dtype != np.bool_ or mask.shape != values.shape:
        raise _damaged(f"the column {name!r} does not say where it has no number")
    return np.where(mask, np.nan, values)


def _check_text(what: str, text: Any, longest: int, *, empty: bool = False) -> None:
    if not isinstance(text, str) or not (0 if empty else 1) <= len(text) <= longest or not text.isprintable():
        raise _damaged(f"{what} must be a printable text of at most {longest:,} characters")


def _damaged(reason: str) -> BundleError:
    return BundleError(f"what the saved pipeline keeps of its training is damaged: {reason}.")

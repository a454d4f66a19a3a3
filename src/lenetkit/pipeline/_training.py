"""What a saved pipeline keeps of its training: the learning curves, and what the weights rest on.

The same training gives the same values: no times, no memory, no paths, nothing that differs from run to run.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import BundleError

if TYPE_CHECKING:
    import pandas as pd

    from lenetkit.trainer import TrainingResult

__all__ = ["SavedTraining"]

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
class SavedTraining:
    """Learning curves and environment of a training run, as a file holds them.

    Parameters
    ----------
    epochs : int
        Finished epochs.
    columns : dict of str to ndarray of shape (epochs,)
        The history, column by column: numbers or truth values; NaN where nothing was measured.
    environment : dict of str to str
        Settings, fingerprints, versions and machine.

    Raises
    ------
    BundleError
        If something is not what is said here.
    """

    epochs: int
    columns: Mapping[str, npt.NDArray[Any]]
    environment: Mapping[str, str]

    def __attrs_post_init__(self) -> None:
        if type(self.epochs) is not int or not 0 <= self.epochs <= _MOST_EPOCHS:
            raise _damaged(f"epochs must be an integer from 0 to {_MOST_EPOCHS:,}")
        for name, values in self.columns.items():
            _check_text("the name of a column", name, _LONGEST_NAME)
            if values.shape != (self.epochs,) or values.dtype.kind not in "fiub":
                raise _damaged(f"the column {name!r} must hold a number for each of {self.epochs} epochs")
            if values.dtype.kind == "f" and (np.abs(values.astype(np.float64)) > _LARGEST).any():
                raise _damaged(f"the column {name!r} holds a number that nobody can have measured")
        if len(self.environment) > _MOST_SETTINGS:
            raise _damaged(f"there are more than {_MOST_SETTINGS:,} settings")
        for name, text in self.environment.items():
            _check_text("the name of a setting", name, _LONGEST_NAME)
            _check_text(f"the setting {name!r}", text, _LONGEST_TEXT, empty=True)

    @classmethod
    def of(cls, result: "TrainingResult") -> "SavedTraining":
        """Return what is worth keeping of a training run; columns that hold anything but numbers are left out."""
        columns = {}
        for name, column in list(result.history.items())[:_MOST_COLUMNS]:
            values = column.to_numpy()
            if values.dtype.kind == "f":
                values = values.astype(np.float64)
                values = np.where(np.abs(values) <= _LARGEST, values, np.nan)
            if values.dtype.kind in "fiub" and str(name).isprintable() and 0 < len(str(name)) <= _LONGEST_NAME:
                columns[str(name)] = values
        environment = {
            name: _one_line(_ADDRESS.sub("", text))[:_LONGEST_TEXT]
            for name, text in result.provenance.items()
            if name not in _NOT_KEPT
        }
        return cls(epochs=len(result.history), columns=columns, environment=environment)

    def to_extras(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return plain values and arrays; an array has no NaN, but a mask beside it that says where one was."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        if self.epochs:
            for place, values in enumerate(self.columns.values()):
                missing = np.isnan(values)
                arrays[_array(place)] = np.where(missing, 0, values).astype(values.dtype)
                if missing.any():
                    arrays[_mask(place)] = missing
        plain = {"epochs": self.epochs, "columns": list(self.columns), "environment": dict(self.environment)}
        return plain, arrays

    @classmethod
    def from_extras(cls, values: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> "SavedTraining":
        """Return what :meth:`to_extras` took apart.

        Raises
        ------
        BundleError
            If something is missing or is not what it should be.
        """
        if not isinstance(values, dict) or not {"epochs", "columns", "environment"} <= set(values):
            raise _damaged("it must name epochs, columns and environment")
        epochs, names, environment = values["epochs"], values["columns"], values["environment"]
        if not isinstance(environment, dict):
            raise _damaged("the environment must be a table of settings")
        if (
            not isinstance(names, list)
            or len(names) > _MOST_COLUMNS
            or not all(isinstance(name, str) for name in names)
        ):
            raise _damaged(f"the columns must be a list of at most {_MOST_COLUMNS:,} names")
        if len(set(names)) != len(names):
            raise _damaged("two columns have one name")
        columns = {
            name: np.empty(0) if epochs == 0 else _column(arrays, place, name) for place, name in enumerate(names)
        }
        return cls(epochs=epochs, columns=columns, environment=environment)

    def last(self) -> dict[str, float]:
        """Return what was measured in the last epoch."""
        last = {name: float(values[-1]) for name, values in self.columns.items() if self.epochs}
        return {name: value for name, value in last.items() if not np.isnan(value)}

    def history(self) -> "pd.DataFrame":
        """Return the learning curves as the trainer gave them: one row per epoch, counted from 1."""
        import pandas as pd

        index = pd.RangeIndex(1, self.epochs + 1, name="epoch")
        return pd.DataFrame({name: values.copy() for name, values in self.columns.items()}, index=index)


def _column(arrays: Mapping[str, npt.NDArray[Any]], place: int, name: str) -> npt.NDArray[Any]:
    if _array(place) not in arrays:
        raise _damaged(f"the column {name!r} is missing")
    values = np.asarray(arrays[_array(place)])
    mask = arrays.get(_mask(place))
    if mask is None:
        return values
    if values.dtype.kind != "f" or mask.dtype != np.bool_ or mask.shape != values.shape:
        raise _damaged(f"the column {name!r} does not say where it has no number")
    return np.where(mask, np.nan, values)


def _array(place: int) -> str:
    return f"training/{place:03d}"


def _mask(place: int) -> str:
    return f"training/{place:03d}/missing"


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _check_text(what: str, text: Any, longest: int, *, empty: bool = False) -> None:
    if not isinstance(text, str) or not (0 if empty else 1) <= len(text) <= longest or not text.isprintable():
        raise _damaged(f"{what} must be a printable text of at most {longest:,} characters")


def _damaged(what: str) -> BundleError:
    return BundleError(f"what the saved pipeline keeps of its training is damaged: {what}.")

"""The predefined splits of a data set: their names, and the error where there are none."""

from lenetkit.exceptions import SettingError

__all__ = ["refuse_splits", "split_names"]

_SUBSETS = ("all", "train", "test")


def split_names(subset: str) -> tuple[str, ...]:
    """Return the predefined splits that make up a subset, in their order: ``"all"`` is train, then test.

    Raises
    ------
    SettingError
        If `subset` is none of the three.
    """
    if subset not in _SUBSETS:
        raise SettingError(f"subset must be one of {', '.join(map(repr, _SUBSETS))}; got {subset!r}.")
    return _SUBSETS[1:] if subset == "all" else (subset,)


def refuse_splits(name: str, subset: str) -> None:
    """Accept ``"all"`` only, for a data set `name` without predefined splits.

    Raises
    ------
    SettingError
        If `subset` is anything but ``"all"``.
    """
    split_names(subset)
    if subset != "all":
        raise SettingError(
            f"{name} has no predefined splits, so there is no subset={subset!r}. "
            'Load subset="all" and call split() on what you get.'
        )

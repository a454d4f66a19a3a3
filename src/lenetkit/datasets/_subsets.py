"""The predefined splits of a data set: which there are, and what to say where there are none."""

from lenetkit.exceptions import SettingError

__all__ = ["check_subset", "parts_of", "refuse_parts"]

_SUBSETS = ("all", "train", "test")


def check_subset(subset: str) -> str:
    """Return `subset` if it is ``"all"``, ``"train"`` or ``"test"``.

    Raises
    ------
    SettingError
        If it is anything else.
    """
    if subset not in _SUBSETS:
        raise SettingError(f"subset must be one of {', '.join(map(repr, _SUBSETS))}; got {subset!r}.")
    return subset


def parts_of(subset: str) -> tuple[str, ...]:
    """Return the predefined splits that make up a subset, in their order: ``"all"`` is train, then test.

    Raises
    ------
    SettingError
        If `subset` is none of the three.
    """
    return ("train", "test") if check_subset(subset) == "all" else (subset,)


def refuse_parts(what: str, subset: str) -> None:
    """Accept ``"all"`` only, for a data set without predefined splits.

    Raises
    ------
    SettingError
        If `subset` is anything but ``"all"``.
    """
    if check_subset(subset) != "all":
        raise SettingError(
            f"{what} has no predefined splits, so there is no subset={subset!r}. "
            'Load subset="all" and call split() on what you get.'
        )

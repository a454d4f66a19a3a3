"""Parts of a data set that lie in files of their own, by the names of the files.

In: files of one format. Out: those of a subset, in their order. Next: their readers.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from lenetkit.datasets._subsets import refuse_splits, split_names

__all__ = ["find_parts"]

# "usps.t" and "optdigits.tra", "train-00000-of-00002.parquet", "mnist_test.csv"
_PARTS = {
    "train": re.compile(r"(^|[^a-z])(train|training|tra)(?![a-z])", re.IGNORECASE),
    "test": re.compile(r"(^|[^a-z])(test|testing|tes|t)(?![a-z])", re.IGNORECASE),
    "validation": re.compile(r"(^|[^a-z])(validation|valid|val)(?![a-z])", re.IGNORECASE),
}
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})")


def find_parts(files: Sequence[Path], subset: str) -> list[Path] | None:
    """Return the files of a subset: by part, then by number; None where the names do not tell.

    ``usps`` beside ``usps.t`` is the training part. All may be pieces of one part, numbered ``-00000-of-00002``.

    Raises
    ------
    SettingError
        If `subset` is a predefined split that is not there.
    """
    named: dict[str, list[Path]] = {}
    for path in sorted(files):
        found = [part for part, pattern in _PARTS.items() if pattern.search(path.name)]
        named.setdefault(found[0] if len(found) == 1 else "", []).append(path)
    if set(named) == {"", "test"} and len(named[""]) == 1:
        named["train"] = named.pop("")
    if any(len(paths) > 1 and not _are_shards(paths) for paths in named.values()):
        return None
    if set(named) == {""}:
        refuse_splits(str(files[0].parent), subset)
        return named[""]
    if "" in named or "train" not in named:
        return None
    if "test" not in named and "validation" in named:
        named["test"] = named.pop("validation")
    order = ("train", "validation", "test") if subset == "all" else split_names(subset)
    if any(part not in named for part in order if part != "validation"):
        refuse_splits(str(files[0].parent), subset)
    return [path for part in order for path in named.get(part, [])]


def _are_shards(paths: Sequence[Path]) -> bool:
    matches = [_SHARD.search(path.name) for path in paths]
    stems = {_SHARD.sub("", path.name) for path in paths}
    return len(stems) == 1 and all(match and int(match[2]) == len(paths) for match in matches)

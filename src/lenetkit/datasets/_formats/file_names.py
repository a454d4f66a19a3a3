"""Labels of the pictures in one folder, where no folders of classes and no table tell them.

In: the folder. Out: the label of each picture: from the text file of the same name beside it, or from the beginning or
the end of its own name, as ``7_0003.png`` and ``img_7.png``.
Next: :mod:`lenetkit.datasets._formats.folder` reads the pictures.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from lenetkit.datasets._entries import find_special, is_picture, list_kinds, name_damage
from lenetkit.datasets._formats.csv_layout import LABEL_NAMES
from lenetkit.exceptions import DataError

__all__ = ["find_labels", "list_picture_names", "read_sidecar"]

# Cameras and scanners begin the names of their pictures with other words.
_PREFIX = re.compile(
    r"(?!(?:dsc|dscn|image|img|page|photo|pic|picture|scan|pxl)[_-])(\d{1,3}|[a-z]+)[_-].", re.IGNORECASE
)
_SUFFIX = re.compile(r".+[_-](\d{1,3}|[a-z]+)\.[^.]+", re.IGNORECASE)
_SIDECARS = (".txt", ".json", ".label")
_LONGEST_SIDECAR = 2**16
_DAMAGE = (ValueError, RecursionError)


def find_labels(folder: Any) -> tuple[dict[Any, str], str]:
    """Return the label of each picture of a folder, and where it is from, for a notice; nothing if one has none.

    Raises
    ------
    DataError
        If every picture has a text file beside it, and one of these holds no label.
    """
    pictures = [path for name in list_picture_names(folder) if (path := folder / name).is_file()]
    beside = _find_sidecars(folder, pictures)
    if beside:
        return {path: read_sidecar(beside[path]) for path in pictures}, "the files beside the pictures hold the labels"
    labels = _match(pictures, _PREFIX)
    if labels:
        return labels, "the beginnings of the names are the labels"
    labels = _match(pictures, _SUFFIX)
    # img_1, img_2, ... rather count the pictures, unless they are the ten digits.
    if len(set(labels.values())) < len(labels) or sorted(labels.values()) == list("0123456789"):
        return labels, "the ends of the names are the labels"
    return {}, ""


def list_picture_names(folder: Any) -> list[str]:
    """Return the names of the pictures right in a folder, sorted."""
    return [name for name in list_kinds(folder)[1] if is_picture(name)]


def _match(pictures: list[Any], pattern: re.Pattern[str]) -> dict[Any, str]:
    """Return labels by a pattern of the names, unless they rather number the pictures, or all are the same."""
    matches = {path: pattern.fullmatch(path.name) or pattern.match(path.name) for path in pictures}
    labels = {path: match[1] for path, match in matches.items() if match}
    found = set(labels.values())
    few = 2 * len(found) <= len(pictures) or all(len(label) == 1 and label.isdigit() for label in found)
    return labels if len(labels) == len(pictures) and len(found) > 1 and few else {}


def _find_sidecars(folder: Any, pictures: list[Any]) -> Mapping[Any, Any]:
    names = set(list_kinds(folder)[1])
    beside = {}
    for path in pictures:
        stem = path.name.rpartition(".")[0]
        name = next(
            (name for suffix in _SIDECARS for name in (stem + suffix, path.name + suffix) if name in names), None
        )
        if name is None:
            return {}
        beside[path] = folder / name
    return beside


def read_sidecar(path: Any) -> str:
    """Return the label that a small text file holds: its only word, or the label of a JSON object.

    Raises
    ------
    DataError
        If it holds none.
    """
    kind = find_special(path)
    if kind:
        raise DataError(f"{path} must hold a label; it is {kind}.")
    with name_damage(path, "holds no label", _DAMAGE), path.open("rb") as stream:
        content: bytes = stream.read(_LONGEST_SIDECAR + 1)
        text = content.decode("utf-8-sig").strip()
        if path.name.lower().endswith(".json"):
            value = json.loads(text)
            if isinstance(value, dict):
                value = next((value[name] for name in LABEL_NAMES if name in value), None)
            text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not text or len(text.split()) != 1 or len(content) > _LONGEST_SIDECAR:
        raise DataError(f"{path} must hold one label, such as 7; it holds {text[:40]!r}.")
    return text

"""Answers of a pipeline for many picture files, one after the other.

In: paths. Out: the answer for each, or the error for one that cannot be read. However many there are, a few are held
in memory at a time. Next: :mod:`lenetkit.demo._labelling.doubt_queue` sorts them.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.special_files import describe_special
from lenetkit.datasets import IMAGE_SUFFIXES, read_image
from lenetkit.demo._labelling.doubt_queue import Answer
from lenetkit.exceptions import DataError, NotFittedError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline
    from lenetkit.reading import Reading

__all__ = ["Answers", "find_pictures", "read_labels", "read_numbers"]

Answers: TypeAlias = Iterator[tuple[str, Answer | DataError]]
Pixels: TypeAlias = npt.NDArray[np.uint8]

_MOST_PIXELS = 50_000_000
# Images that are answered at once: small ones for speed, and of photographs as many as memory has room for.
_BATCH, _BATCH_PIXELS = 64, 20_000_000
_OTHERS = 3
_PROBABLE = 0.001


def find_pictures(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the picture files in a folder and the folders in it, by name, and what is to be said of others.

    Raises
    ------
    DataError
        If a folder cannot be listed.
    """
    pictures: list[Path] = []
    others: list[str] = []

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror}.")

    for place, inside, names in os.walk(folder, onerror=refuse):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            if path.is_file():
                pictures.append(path)
            else:
                others.append(f"{path} is left out: it is {describe_special(path) or 'a link to nothing'}.")
    return pictures, others


def read_labels(pipeline: "Pipeline", pictures: Mapping[str, Path]) -> Answers:
    """Yield the name of each picture with the label that it shows, or none where it does not look like one."""
    batch: dict[str, Pixels] = {}
    for name, path in pictures.items():
        try:
            batch[name] = read_image(path, max_pixels=_MOST_PIXELS)
        except DataError as error:
            yield name, error
        if len(batch) >= _BATCH or sum(image.size for image in batch.values()) >= _BATCH_PIXELS:
            yield from _answer(pipeline, batch)
            batch = {}
    yield from _answer(pipeline, batch)


def read_numbers(pipeline: "Pipeline", pictures: Mapping[str, Path]) -> Answers:
    """Yield the name of each picture with the number in it."""
    found = pipeline.iter_numbers(list(pictures.values()))
    for name, (_, reading) in zip(pictures, found, strict=True):
        yield name, reading if isinstance(reading, DataError) else _describe_number(reading)


def _answer(pipeline: "Pipeline", batch: Mapping[str, Pixels]) -> Answers:
    if not batch:
        return
    images = list(batch.values())
    try:
        probabilities = pipeline.predict_proba(images)
        passed = _ask_gate(pipeline, images)
    except DataError as error:
        if len(batch) == 1:
            yield next(iter(batch)), error
            return
        for name, image in batch.items():
            yield from _answer(pipeline, {name: image})
        return
    classes = [str(label) for label in pipeline.classes_]
    for name, row, is_label in zip(batch, probabilities, passed, strict=True):
        best, *rest = np.argsort(-row, kind="stable")[: _OTHERS + 1].tolist()
        others = [classes[index] for index in rest if row[index] >= _PROBABLE]
        if not is_label:
            yield name, Answer(label="", probability=float(row[best]), others=(classes[best], *others))
        else:
            yield name, Answer(label=classes[best], probability=float(row[best]), others=tuple(others))


def _ask_gate(pipeline: "Pipeline", images: list[Pixels]) -> list[bool]:
    """Tell which images look like one of the labels; all of them, if the pipeline was not calibrated."""
    try:
        return [not prediction.rejected for prediction in pipeline.predict(images, reject=1)]
    except NotFittedError:
        return [True] * len(images)


def _describe_number(reading: "Reading") -> Answer:
    text = " ".join(reading.text.split())
    if not text:
        return Answer(label="", probability=reading.probability)
    others = [" ".join(other.split()) for other, share in reading.alternatives(_OTHERS + 1) if share >= _PROBABLE]
    different = dict.fromkeys(other for other in others if other != text)
    return Answer(label=text, probability=reading.probability, others=tuple(different))

"""Images with labels as the readers hand them over, and the way to recognise a format.

In: arrays that a reader found. Out: :class:`Labelled`. Next: :mod:`lenetkit.datasets._formats.detect` makes a data set.

A module of this package that holds a :class:`Format` named ``FORMAT`` is one of the formats: a new one is one new file.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import numpy as np

from lenetkit.datasets._views import Images, Labels, join_images
from lenetkit.exceptions import DataError

__all__ = ["Format", "Labelled", "Start", "join_parts"]


@attrs.frozen(kw_only=True, eq=False)
class Labelled:
    """Images uint8 (n, height, width[, channels]), one label each, and what else the file says of them."""

    images: Images
    labels: Labels
    class_names: tuple[str, ...] | None = None
    groups: Labels | None = None


@attrs.frozen(kw_only=True)
class Start:
    """The beginning of a file: its first bytes, and those of what is packed in it by gzip, bzip2 or xz."""

    path: Path
    first: bytes
    unpacked: bytes


@attrs.frozen(kw_only=True)
class Format:
    """A format of files that hold images and labels.

    ``read(path, subset)`` returns a :class:`Labelled`; files that hold one part each are put together by their names.
    """

    description: str
    recognise: Callable[[Start], bool]
    read: Callable[[Path, str], Labelled]
    rank: int = 50  # the lower ones are asked first


def join_parts(parts: Sequence[Labelled], where: object) -> Labelled:
    """Put the parts of a data set one after the other.

    Raises
    ------
    DataError
        If their images differ in shape, or their labels or classes in kind.
    """
    if len(parts) == 1:
        return parts[0]
    kinds = {part.labels.dtype.kind for part in parts}
    names = {part.class_names for part in parts}
    if len(kinds) > 1 or (len(names) > 1 and None in names):
        raise DataError(f"{where}: the parts must have labels of one kind; some have integers, some strings.")
    if len(names) > 1 and kinds != {"U"}:
        raise DataError(f"{where}: the parts must number the same classes; they name {len(names)} different lists.")
    grouped = [part.groups for part in parts if part.groups is not None]
    try:
        stacks = [part.images if isinstance(part.images, np.ndarray) else np.asarray(part.images) for part in parts]
        images = join_images(stacks)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    every_name = dict.fromkeys(name for part in parts for name in part.class_names or ())
    return Labelled(
        images=images,
        labels=np.concatenate([part.labels for part in parts]),
        class_names=None if None in names else tuple(every_name),
        groups=np.concatenate(grouped) if len(grouped) == len(parts) else None,
    )

"""Data sets that are kept in the files in which they are published: fetched, verified, and read by their format.

In: records of the files and the part of each. Out: a :class:`~lenetkit.datasets.Dataset`.
Next: the public modules of data sets register their loaders.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs

from lenetkit._utils.notices import hush
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.mirrors import fetch_paths
from lenetkit.datasets._fetch.records import RemoteFile
from lenetkit.datasets._formats.labelled import Labelled, join_parts
from lenetkit.datasets._subsets import split_names

__all__ = ["Published", "packed_file"]


def packed_file(url: str, *, size: int, md5: str = "", sha256: str = "") -> RemoteFile:
    """Return the record of a file as it is published at one address."""
    name = unquote(url.rpartition("/")[2])
    return RemoteFile(name=name, size=size, md5=md5, sha256=sha256, mirrors=[url], packed=True)


@attrs.frozen(kw_only=True)
class Published:
    """Files of a data set's parts, and the function that reads the files of one part, given by their names."""

    name: str
    parts: Mapping[str, tuple[RemoteFile, ...]]
    read: Callable[[str, dict[str, Path]], Labelled]
    class_names: tuple[str, ...] | None = None

    def load(self, *, subset: str, data_dir: Any = None, download: bool = True, folder: str = "") -> Dataset:
        """Return the data set or a part; options and errors are those of :func:`lenetkit.datasets.load_dataset`."""
        parts = [part for part in split_names(subset) if part in self.parts]
        files = list(dict.fromkeys(file for part in parts for file in self.parts[part]))
        paths = fetch_paths(folder or self.name, files, data_dir=data_dir, download=download)
        with hush():
            found = join_parts([self.read(part, paths) for part in parts], self.name)
        names = self.class_names or found.class_names
        given: dict[str, Any] = {} if names is None else {"class_names": names}
        return Dataset(images=found.images, labels=found.labels, groups=found.groups, name=self.name, **given)

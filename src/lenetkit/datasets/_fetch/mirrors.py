"""Search and download of the files of named data sets: verified by content, downloaded once and kept.

In: :class:`~lenetkit.datasets.RemoteFile` records. Out: the verified content of each file.
Next: the data set's loader parses it, see :mod:`lenetkit.datasets._fetch.idx_sets`.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeAlias
from urllib.parse import urlsplit

import attrs
import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.files import write_atomically
from lenetkit.datasets._fetch.http import MirrorError
from lenetkit.datasets._fetch.http import download as download_address
from lenetkit.datasets._fetch.records import Content, RemoteFile, UnfitError, unpack, verify
from lenetkit.datasets._fetch.turns import take_turn
from lenetkit.datasets._formats.idx import is_gzipped
from lenetkit.exceptions import DownloadError, SettingError

__all__ = ["fetch_files", "fetch_paths"]

StrPath: TypeAlias = str | os.PathLike[str]

_KERAS_HOME = "~/.keras/"
# So many time limits of a mirror without a sign of life are the end of waiting for another process.
_SILENCE = 4
_ANOTHER_FOLDER = "name another folder as data_dir= or in the environment variable LENETKIT_DATA."


def fetch_files(
    name: str,
    files: Sequence[RemoteFile],
    *,
    data_dir: StrPath | None = None,
    download: bool = True,
    timeout: float = 30.0,
) -> list[Content]:
    """Return the verified content of a data set's files; those that are not on this machine are downloaded once.

    A file is looked for in ``<data_dir>/<name>``, in lenetkit's own folder in the user's cache, and in the places that
    its record names. A right file is used without touching the network and without writing anything. A wrong one is
    reported as a warning and left alone, except in lenetkit's own folder, where a download replaces it. However many
    processes ask at once, one downloads; the others wait for it.

    Parameters
    ----------
    name : str
        The data set's name, which is the name of its folder.
    files : sequence of RemoteFile
        The files' records.
    data_dir : path, optional
        The folder around the data sets' folders. Default: the environment variable ``LENETKIT_DATA``, else the user's
        cache. Downloads are kept there, uncompressed; or in the user's cache, where that folder cannot be written or
        holds something else under the file's name.
    download : bool, default True
        Ask the mirrors for what is missing. If false, no socket is opened.
    timeout : float, default 30
        Seconds without progress after which a mirror is given up; so is, after four times as many, another process that
        downloads to the same folder and gives no sign of life. A notice says which process is waited for.

    Returns
    -------
    list of ndarray of shape (size,)
        uint8, read-only, one per file; memory maps where the file lies uncompressed on the disk.

    Raises
    ------
    DownloadError
        If a file is neither here nor available from a mirror, or cannot be kept. The message names every place looked
        at, every mirror's reason and the ways out.

    Examples
    --------
    A data set of one's own, in one file::

        from lenetkit.datasets import Dataset, RemoteFile, fetch_files, register_dataset

        PIXELS = RemoteFile(
            name="pixels.bin",
            size=1024,
            sha256="...",
            mirrors=["https://example.org/pixels.bin.gz"],
        )


        @register_dataset("squares", description="Sixteen squares.")
        def load(*, subset, data_dir, download):
            (pixels,) = fetch_files("squares", [PIXELS], data_dir=data_dir, download=download)
            return Dataset(images=pixels.reshape(16, 8, 8), labels=range(16))

    A file that is on the machine already is only checked:

    >>> import hashlib
    >>> import tempfile
    >>> from pathlib import Path
    >>> from lenetkit.datasets import RemoteFile, fetch_files
    >>> mirrors = ["https://example.org/letters/labels.gz"]
    >>> file = RemoteFile(name="labels", size=3, sha256=hashlib.sha256(b"ABC").hexdigest(), mirrors=mirrors)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "letters").mkdir()
    ...     _ = Path(folder, "letters", "labels").write_bytes(b"ABC")
    ...     (content,) = fetch_files("letters", [file], data_dir=folder, download=False)
    ...     content.tolist()
    [65, 66, 67]
    """
    search = _Search(name, data_dir, timeout)
    found = {file.name: search.look_for(file) for file in files}
    for place, reason in search.wrong.items():
        warnings.warn(f"{place} is not used for the data set {name!r}: {reason}.", stacklevel=2)
    missing = [file for file in files if found[file.name] is None]
    if missing and not download:
        search.fail(missing, "Mirrors: not asked, because download=False.")
    if missing:
        require_library(f"downloading the data set {name!r}", "filelock", "platformdirs", "requests")
        with ExitStack() as lock:
            folder = search.enter_folder(lock, missing)
            found.update({file.name: search.fetch(file, folder) for file in missing})
    return [content for file in files if (content := found[file.name]) is not None]


def fetch_paths(name: str, files: Sequence[RemoteFile], **options: Any) -> dict[str, Path]:
    """Return the paths of a data set's verified files, which are kept as they are published, by their names.

    `options` and errors are those of :func:`fetch_files`.
    """
    contents = fetch_files(name, files, **options)
    if not all(isinstance(content, np.memmap) for content in contents):
        contents = fetch_files(name, files, **{**options, "download": False})  # they lie in the folder now
    return {file.name: Path(str(getattr(c, "filename", ""))) for file, c in zip(files, contents, strict=True)}


@attrs.frozen
class _Place:
    """A path, or a member of an ``.npz`` file."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}#{self.member}" if self.member else str(self.path)

    def read(self, file: RemoteFile) -> Content:
        """Return the content if it is the file's; raise UnfitError or OSError if not."""
        if not self.path.is_file():
            raise UnfitError("it is not a file")
        with self.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            as_it_is = (0 < size <= file.size) if file.packed else (size == file.size and not is_gzipped(stream))
            if not self.member and as_it_is:
                return verify(np.memmap(stream, np.uint8, mode="r"), file)
            return np.frombuffer(verify(unpack(stream, self.member, file), file), np.uint8)


def _expand(path: StrPath) -> Path:
    """Return a path with the user's home in it; as it is, where the system knows no home, as in a bare container."""
    return Path(os.path.expanduser(path))


def _find_cache() -> Path:
    """Return lenetkit's own folder in the user's cache; below ``~``, as it is, for a user without a home."""
    try:
        import platformdirs

        return Path(platformdirs.user_cache_dir("lenetkit", appauthor=False))
    except (ImportError, RuntimeError):  # lenetkit-lite has no platformdirs, and downloads nothing
        return Path("~", ".cache", "lenetkit")


class _Search:
    """One search for the files of one data set, with the wrong files and the refusals it met."""

    def __init__(self, name: str, data_dir: StrPath | None, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self.own_folder = _find_cache() / name
        users_folder = data_dir or os.environ.get("LENETKIT_DATA") or self.own_folder.parent
        self.folders = list(dict.fromkeys([_expand(users_folder) / name, self.own_folder]))
        self.wrong: dict[_Place, str] = {}
        self._refusals: dict[str, str] = {}
        self._unreachable: set[str] = set()
        self._show_life: Callable[[], None] = lambda: None

    def look_for(self, file: RemoteFile) -> Content | None:
        """Return the file's content from the first place that has it, or None."""
        for place in self._places(file):
            try:
                if place.path.exists():
                    return place.read(file)
            except (UnfitError, OSError) as error:
                self.wrong[place] = str(error)
        return None

    def fail(self, files: Sequence[RemoteFile], mirrors: str) -> NoReturn:
        """Raise the error that names the places looked at, and the ways out."""
        looked: dict[Path, list[str]] = {}
        for place in dict.fromkeys(place for file in files for place in self._places(file) if place not in self.wrong):
            looked.setdefault(place.path.parent, []).append(str(place).removeprefix(f"{place.path.parent}{os.sep}"))
        absent = {folder: f"no {', '.join(names)}" for folder, names in looked.items()}
        lines = "\n".join(f"  {place}: {reason}" for place, reason in [*absent.items(), *self.wrong.items()])
        raise DownloadError(
            f"the data set {self.name!r} needs {', '.join(file.name for file in files)}: not on this machine, and not "
            f"fetched.\nLooked in:\n{lines}\n{mirrors}\n"
            f"What to do: put the files, gzipped or not, into a folder named {self.name!r} and pass the folder around "
            "it as data_dir= or in the environment variable LENETKIT_DATA; or take the digits that need no download: "
            'load_dataset("digits"), on the command line --dataset digits.'
        )

    def _places(self, file: RemoteFile) -> Iterator[_Place]:
        """Yield the places where the file may be, in the order in which to look."""
        copies = [(path, member) for path, _, member in (copy.partition("#") for copy in file.copies)]
        names = [(file.name, ""), (f"{file.name}.gz", ""), *((urlsplit(url).path, "") for url in file.mirrors), *copies]
        names = list(dict.fromkeys((name.rpartition("/")[2], member) for name, member in names))
        yield from (_Place(folder / name, member) for folder in self.folders for name, member in names)
        keras_home = os.path.join(os.environ.get("KERAS_HOME") or _KERAS_HOME, "")
        for path, member in copies:
            yield _Place(_expand(path.replace(_KERAS_HOME, keras_home, 1)), member)

    def enter_folder(self, lock: ExitStack, files: Sequence[RemoteFile]) -> Path:
        """Return the folder to keep downloads in, locked: no other process downloads to it meanwhile."""
        reasons = []
        for folder in self.folders:
            if folder != self.own_folder and any(_Place(folder / file.name) in self.wrong for file in files):
                continue  # to download there would be to replace somebody's file
            if str(folder).startswith("~"):
                reasons.append(f"{folder}: this user has no home folder")
                continue
            try:
                folder.mkdir(parents=True, exist_ok=True)
                turn = take_turn(folder, self.name, silence=_SILENCE * self.timeout)
                self._show_life = lock.enter_context(turn)
            except DownloadError:
                raise
            except (OSError, NotImplementedError) as error:
                reasons.append(f"{folder}: {error}")
            else:
                return folder
        raise DownloadError(
            f"the data set {self.name!r} must be downloaded, and there is no folder to keep it in: "
            f"{'; '.join(reasons)}. To go on, {_ANOTHER_FOLDER}"
        )

    def fetch(self, file: RemoteFile, folder: Path) -> Content:
        """Download a file, keep it in the folder and return its content."""
        target = folder / file.name
        with suppress(UnfitError, OSError):  # another process may have been faster
            return _Place(target).read(file)
        content = self._ask_mirrors(file)
        try:
            write_atomically(target, content)
        except (OSError, SettingError) as error:
            raise DownloadError(
                f"the data set {self.name!r} was downloaded and cannot be kept as {target}: {error}. Make room, or "
                f"{_ANOTHER_FOLDER}"
            ) from error
        return np.frombuffer(content, np.uint8)

    def _ask_mirrors(self, file: RemoteFile) -> bytes:
        for url in sorted(file.mirrors, key=lambda url: urlsplit(url).netloc in self._unreachable):
            try:
                body = download_address(
                    url,
                    most_bytes=file.most_bytes,
                    timeout=self.timeout,
                    title=f"{self.name}: {file.name}",
                    show_life=self._show_life,
                )
                return verify(unpack(io.BytesIO(body), "", file), file)
            except (MirrorError, UnfitError) as error:
                self._refusals[url] = str(error)
                if isinstance(error, MirrorError) and error.unreachable:
                    self._unreachable.add(urlsplit(url).netloc)
        return self.fail([file], "\n".join(["Mirrors:", *(f"  {url}: {self._refusals[url]}" for url in file.mirrors)]))

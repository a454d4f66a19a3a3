"""Registry of data sets, and loading by name or path.

In: a name, or a path in one of the usual formats. Out: a :class:`~lenetkit.datasets.Dataset`.
Next: :mod:`lenetkit.transforms`.
"""

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import attrs

from lenetkit._utils.deprecation import accept_old_names
from lenetkit._utils.names import did_you_mean
from lenetkit._utils.system import get_working_folder
from lenetkit._utils.threads import using_threads
from lenetkit._utils.validation import check_whole
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._subsets import split_names
from lenetkit.exceptions import DataError, SettingError, UnknownNameError
from lenetkit.registry import Registry

__all__ = ["DatasetInfo", "dataset_info", "list_datasets", "load_dataset", "register_dataset"]

StrPath: TypeAlias = str | os.PathLike[str]


Loader: TypeAlias = Callable[..., Dataset]
AnyLoader = TypeVar("AnyLoader", bound=Loader)

_PARAMETERS = ("subset", "data_dir", "download")


@attrs.frozen(kw_only=True)
class DatasetInfo:
    """Record of a registered data set, known without loading it.

    Parameters
    ----------
    name : str
        The name it is registered under.
    loader : callable
        ``loader(*, subset, data_dir, download) -> Dataset``.
    description : str
        One line for lists.
    epochs : int
        Number of epochs that the classical procedure needs on it.
    licence, citation, source : str
        The terms that its authors state, the publication to cite, and where its files' hashes were read; empty where
        not known.
    splits : tuple of str
        Names of the predefined splits and their sizes; empty if it has none.

    Examples
    --------
    >>> from lenetkit.datasets import dataset_info
    >>> dataset_info("digits").epochs
    30
    """

    name: str
    loader: Loader = attrs.field(repr=False)
    description: str
    epochs: int = 5
    licence: str = ""
    citation: str = ""
    source: str = ""
    splits: tuple[str, ...] = ()


registry: Registry[DatasetInfo] = Registry("data set", group="lenetkit.datasets", package="lenetkit.datasets")


def register_dataset(
    name: str,
    *,
    description: str,
    epochs: int = 5,
    licence: str = "",
    citation: str = "",
    source: str = "",
    splits: tuple[str, ...] = (),
    replace: bool = False,
) -> Callable[[AnyLoader], AnyLoader]:
    """Register a data set: a decorator for the function that loads it.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``.
    description : str
        One line for lists.
    epochs : int, default 5
        Number of epochs that the classical procedure needs on it.
    licence, citation, source : str, optional
        The terms that its authors state, the publication to cite, and where its files' hashes were read.
    splits : tuple of str, optional
        Names of the predefined splits and their sizes.
    replace : bool, default False
        Take the name over from whoever has it.

    Returns
    -------
    callable
        The decorator; it returns the loader unchanged.

    Raises
    ------
    NameTakenError
        If the name has an owner already.
    SettingError
        If the name or `epochs` is not valid, or the loader does not take ``subset``, ``data_dir`` and ``download``.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.datasets import Dataset, list_datasets, load_dataset, register_dataset
    >>> @register_dataset("stripes", description="Upright and lying stripes.", epochs=2)
    ... def load_stripes(*, subset, data_dir, download):
    ...     lying = np.zeros((50, 8, 8), np.uint8)
    ...     lying[:, ::2] = 255
    ...     images = np.concatenate([lying, lying.transpose(0, 2, 1)])
    ...     return Dataset(images=images, labels=np.repeat([0, 1], 50), class_names=["lying", "upright"])
    >>> "stripes" in list_datasets()
    True
    >>> load_dataset("stripes")
    Dataset('stripes': 100 images of 8 x 8, 2 classes)
    """
    check_whole("epochs", epochs, 1)
    notes: dict[str, Any] = {"licence": licence, "citation": citation, "source": source, "splits": tuple(splits)}

    def decorate(loader: AnyLoader) -> AnyLoader:
        owner = f"{loader.__module__}.{loader.__qualname__}"
        try:
            inspect.signature(loader).bind(**dict.fromkeys(_PARAMETERS))
        except TypeError as error:
            raise SettingError(
                f"a data set's loader must take the keywords {', '.join(_PARAMETERS)}; {owner} does not: {error}."
            ) from None
        registry.register(
            name,
            DatasetInfo(name=name, loader=loader, description=description, epochs=epochs, **notes),
            owner=owner,
            replace=replace,
        )
        return loader

    return decorate


def list_datasets(pattern: str = "*") -> list[str]:
    """Return the names of the registered data sets, sorted, without loading any.

    Parameters
    ----------
    pattern : str, default "*"
        Shell pattern the names must match.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from lenetkit.datasets import list_datasets
    >>> list_datasets("digits")
    ['digits']
    """
    return registry.listed(pattern)


def dataset_info(name: str) -> DatasetInfo:
    """Return the record of a registered data set: description, epochs and loader.

    Parameters
    ----------
    name : str
        A name from :func:`list_datasets`.

    Returns
    -------
    DatasetInfo

    Raises
    ------
    UnknownNameError
        If no data set has this name.
    PluginError
        If the plug-in that announces the name cannot be imported.

    Examples
    --------
    >>> from lenetkit.datasets import dataset_info
    >>> dataset_info("digits").name
    'digits'
    """
    return registry.get(name)


@accept_old_names(name_or_path="source")
def load_dataset(
    source: Any,
    *,
    subset: str = "all",
    data_dir: StrPath | None = None,
    download: bool = True,
    n_jobs: int | None = None,
) -> Dataset:
    """Load a data set by its name, from a path, or from an object of another library.

    A name wins over a path of the same spelling; write ``"./mnist"`` or pass a :class:`pathlib.Path` to mean the path.

    Parameters
    ----------
    source : str, path or object
        A name from :func:`list_datasets`, a file or folder in one of the formats below, or an object that holds images
        and labels: a data set of Hugging Face, of torchvision or of ``tf.data``, a scikit-learn Bunch, a frame of
        pandas or polars with a column for each pixel, a pair of arrays or Keras' pair of pairs, a mapping of parts or
        arrays, or anything with ``images`` or ``data`` and ``labels`` or ``target``. Copied once, in its order.
    subset : {"all", "train", "test"}, default "all"
        A predefined split, where there are any; ``"all"`` is the training part followed by the test part.
    data_dir : path, optional
        Folder of the registered data sets. Not used for paths.
    download : bool, default True
        Fetch a registered data set that is not on this machine. Not used for paths.
    n_jobs : int, optional
        Number of threads in which pictures are decoded. None: one for each core, up to 8. The order stays.

    Returns
    -------
    Dataset
        Of a path or object: named after it, with ``epochs=5``. Its ``groups`` are the writers where they are known.

    Raises
    ------
    UnknownNameError
        If it is neither a registered name nor an existing path.
    SettingError
        If `subset` is not one of the three, or the data set has no predefined splits; or if `source` is nothing that
        could hold images and labels; or if `n_jobs` is not a positive integer.
    DataError
        If the files do not hold what they should; the message names file and entry. If several entries are wrong
        its attribute ``entries`` holds all of them.
    DownloadError
        If the data set is not on this machine and could not be fetched.
    PluginError
        If the plug-in that announces the name cannot be imported.

    Notes
    -----
    Formats of paths; a folder that holds the files of one of them will do as well:

    ============================= =====================================================================================
    four IDX files                ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``
                                  and ``t10k-labels-idx1-ubyte`` in a folder, gzipped or not, also with one prefix for
                                  all; or the path of one file of images, whose labels lie beside it. Images may have a
                                  fourth axis of 3 colours and any of the format's types; of QMNIST's labels
                                  (``idx2-int``) the first column counts, and the writers are the ``groups``. Files with
                                  EMNIST's names are turned upright, and their classes named
    ``.mat``, ``.h5``             MATLAB's files (versions 5 and 7.3) and HDF5: EMNIST's, turned upright, SVHN's ``X``
                                  and ``y``, or any arrays named images and labels, X and y, ``trainX``, ...
    ``.npz``                      ``images`` and ``labels``; or ``x_train``, ``y_train``, ``x_test`` and ``y_test``, as
                                  in Keras' ``mnist.npz``; or a file for each, as Kuzushiji-49 and Kannada-MNIST have
    ``.parquet``, ``.arrow``      a column of pictures (Hugging Face's Image, or bytes), of nested lists, or a column
                                  for each pixel; and one called label
    svmlight, LIBSVM              ``label column:value ...``, columns numbered from 0 or 1, which the content tells
    ``.arff``                     Weka's, dense or sparse, as OpenML has them
    UCI's text files              ``semeion.data``, ``optdigits.tra`` and ``.tes``, ``zip.train``: a line for each image
    ``.tif``, ``.pdf`` of pages   each page an image; its label in a line of the ``.txt`` or ``.csv`` file of that name
    ``.npy``                      a folder with ``images.npy`` and ``labels.npy``
    ``.csv``, ``.csv.gz``         columns ``label``, ``pixel0``, ``pixel1``, ... as Kaggle has them, square images; or
                                  ``label``, ``1x1``, ``1x2``, ... (row x column), images of any shape; the label may
                                  be called class, target, digit or y; without a header it is the first column
    one sub-folder for each class pictures in sub-folders named after their class; also in a ``train`` and a ``test``
                                  folder (or ``training``, ``testing``; ``val``, ``valid`` or ``validation`` is the test
                                  part if there is no other)
    a table of pictures           a ``.csv`` file with a column of file names and one of labels, beside the pictures or
                                  beside their folder; folders named after classes go before it
    pictures in one folder        whose names begin or end with their labels, as ``7_0003.png`` and ``a_7.png``, or
                                  that have a ``.txt`` or ``.json`` file of the same name with the label beside them
    photographs of sheets         that ``lenetkit sheet`` printed, filled in: the boxes are the images, 64 x 64 pixels,
                                  and the sheets' numbers the ``groups``; see :func:`save_sheets`
    ``.zip``                      an archive of pictures in any of these ways; it is not unpacked to the disk
    ============================= =====================================================================================

    Text files may be packed by gzip, bzip2 or xz. In a folder, several files of one format are the parts of one data
    set if their names say train and test, and pieces of a part if they are numbered ``-00000-of-00002``. Pixels of
    0..1, -1..1, 0..16 and 0..65535 are spread over 0..255. Parquet, Arrow, HDF5 and PDF need ``lenetkit[formats]``.

    If a path is read by an assumption, or a part of it is ignored, the warning
    :class:`~lenetkit.exceptions.DataNotice` says so, once.

    Images are uint8, labels integers from 0 or strings. Class folders named by numbers give integers, others strings.
    Pictures of different sizes are scaled, aspect kept, into the size that most of them have, or into a square of at
    most 64 pixels, on a ground of the colour of their border; they stay as they are where they have one size.

    Uncompressed IDX files and ``.npy`` files of more than 128 MiB stay on disk as memory maps. Compressed ones may hold
    at most 1 GiB.

    Examples
    --------
    >>> from lenetkit.datasets import load_dataset
    >>> digits = load_dataset("digits")
    >>> digits.images.shape, digits.labels[:10]
    ((1797, 8, 8), array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    >>> load_dataset("digit")
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.UnknownNameError: ...
    """
    split_names(subset)
    with using_threads(n_jobs):
        return _load(source, subset, data_dir, download)


def _load(source: Any, subset: str, data_dir: StrPath | None, download: bool) -> Dataset:
    if not isinstance(source, (str, os.PathLike)):
        from lenetkit.datasets._objects import load_object

        return load_object(source, subset)
    if isinstance(source, str) and source in registry.names():
        info = registry.get(source)
        dataset: Any = info.loader(subset=subset, data_dir=data_dir, download=download)
        if not isinstance(dataset, Dataset):
            raise DataError(
                f"the loader of the data set {source!r}, {registry.owner(source)}, must return a Dataset; "
                f"it returned {type(dataset).__name__}."
            )
        return attrs.evolve(dataset, name=source, epochs=info.epochs)
    path = os.path.expanduser(source)
    if path and os.path.exists(path):
        from lenetkit.datasets._formats.detect import load_path

        return load_path(Path(path), subset)
    known = list_datasets()
    name, place = os.fspath(source), os.path.join(get_working_folder() or "(a deleted folder)", path)
    raise UnknownNameError(
        f"there is no data set {name!r} and no file or folder {place!r}.{did_you_mean(name, known)} "
        f"Known data sets: {', '.join(known)}."
    )

"""The pretrained pipelines: saved pipelines that have a name.

In: a name. Out: the path of a saved pipeline. Next: :meth:`lenetkit.pipeline.Pipeline.pretrained` loads it.

``"digits"`` and ``"digits-accurate"`` come with lenetkit: beside ``digits.lenet`` lies ``digits.json``, with its
SHA-256, its seed, and what it was made with; ``tools/train_pretrained.py`` makes both. Packages add others, as they add
models.
"""

import os
from pathlib import Path

import attrs

from lenetkit._utils.deprecation import forward
from lenetkit.exceptions import SettingError
from lenetkit.registry import Registry

__all__ = ["PretrainedInfo", "get_path", "list_pretrained", "pretrained_info", "register_pretrained"]


@attrs.frozen(kw_only=True)
class PretrainedInfo:
    """Record of a registered pretrained pipeline, known without loading it.

    Parameters
    ----------
    name : str
        The name it is registered under.
    path : pathlib.Path
        The saved pipeline, absolute.
    description : str
        One line for lists.

    Examples
    --------
    >>> from lenetkit.pretrained import pretrained_info
    >>> pretrained_info("digits").description
    'LeNet-5 for pictures of digits and numbers, as scanned, photographed or drawn.'
    """

    name: str
    path: Path
    description: str


registry: Registry[PretrainedInfo] = Registry("pretrained pipeline", group="lenetkit.pretrained")
"""The registry itself, for the command line and the tests."""


def register_pretrained(
    name: str, path: str | os.PathLike[str], *, description: str, replace: bool = False
) -> PretrainedInfo:
    """Give a saved pipeline a name.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``, starting with a letter or digit.
    path : path
        A file that :meth:`lenetkit.pipeline.Pipeline.save` wrote. It is read and checked when the pipeline is loaded.
    description : str
        One line for lists.
    replace : bool
        Take the name over from whoever has it, for example when a notebook cell is run again.

    Returns
    -------
    PretrainedInfo

    Raises
    ------
    SettingError
        If the name holds other characters, or there is no file at `path`.
    NameTakenError
        If the name has an owner already and `replace` is false.

    Examples
    --------
    >>> import tempfile
    >>> from lenetkit import Pipeline
    >>> from lenetkit.pretrained import register_pretrained, registry
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Pipeline.pretrained().save(f"{folder}/mine.lenet")
    ...     info = register_pretrained("mine", path, description="My hand.")
    ...     pipe = Pipeline.pretrained("mine")
    >>> registry.unregister("mine")
    """
    try:
        file = Path(path).absolute()
        found = file.is_file()
    except (TypeError, ValueError) as error:  # ValueError: no file can have such a name
        raise SettingError(f"path must be the path of a saved pipeline; got {path!r}: {error}.") from error
    if not found:
        raise SettingError(
            f"the pretrained pipeline {name!r} needs a file that Pipeline.save wrote; there is none at {str(file)!r}."
        )
    info = PretrainedInfo(name=name, path=file, description=description)
    return registry.register(name, info, owner=str(file), replace=replace)


def list_pretrained(pattern: str = "*") -> list[str]:
    """List the names that :meth:`lenetkit.pipeline.Pipeline.pretrained` knows.

    Parameters
    ----------
    pattern : str
        Shell pattern that the names must match.

    Returns
    -------
    list of str
        Sorted; plug-ins are listed without being imported.

    Examples
    --------
    >>> from lenetkit.pretrained import list_pretrained
    >>> list_pretrained()
    ['digits', 'digits-accurate']
    """
    return registry.listed(pattern)


def pretrained_info(name: str) -> PretrainedInfo:
    """Return the record of a pretrained pipeline.

    Raises
    ------
    UnknownNameError
        If there is none of this name; the message lists those that there are, and the nearest spelling.
    PluginError
        If an installed package announces the name and cannot be imported.

    Examples
    --------
    >>> from lenetkit.pretrained import pretrained_info
    >>> pretrained_info("digits").path.name
    'digits.lenet'
    """
    return registry.get(name)


def get_path(name: str) -> Path:
    """Return the file of the pretrained pipeline that has a name of :func:`list_pretrained`.

    Raises
    ------
    UnknownNameError, PluginError
        As :func:`pretrained_info` does.

    Examples
    --------
    >>> from lenetkit.pretrained import get_path
    >>> get_path("digits").name
    'digits.lenet'
    """
    return registry.get(name).path


register_pretrained(
    "digits",
    Path(__file__).with_name("digits.lenet"),
    description="LeNet-5 for pictures of digits and numbers, as scanned, photographed or drawn.",
)
register_pretrained(
    "digits-accurate",
    Path(__file__).with_name("digits-accurate.lenet"),
    description="A small modern network: fewer errors on clean digits, at 0.2 ms an image.",
)

__getattr__ = forward(__name__, {"path_of": "lenetkit.pretrained.get_path"})

"""The pipelines that come with lenetkit, as files.

In: a name. Out: the path of a saved pipeline. Next: :meth:`lenetkit.pipeline.Pipeline.pretrained` loads it.

Beside each file ``NAME.lenet`` lies ``NAME.json``: its SHA-256, its seed, and what it was made with.
``tools/train_pretrained.py`` makes both.
"""

from pathlib import Path

from lenetkit._utils.deprecation import forward
from lenetkit.exceptions import UnknownNameError

__all__ = ["get_path", "list_pretrained"]

_HOME = Path(__file__).parent


def list_pretrained() -> list[str]:
    """Return the names that :meth:`lenetkit.pipeline.Pipeline.pretrained` knows.

    Examples
    --------
    >>> from lenetkit.pretrained import list_pretrained
    >>> list_pretrained()
    ['digits']
    """
    return sorted(path.stem for path in _HOME.glob("*.lenet"))


def get_path(name: str) -> Path:
    """Return the file of the pretrained pipeline that has a name of :func:`list_pretrained`.

    Raises
    ------
    UnknownNameError
        If there is none of this name; the message lists those that there are.

    Examples
    --------
    >>> from lenetkit.pretrained import get_path
    >>> get_path("digits").name
    'digits.lenet'
    """
    known = list_pretrained()
    if name not in known:
        raise UnknownNameError(f"there is no pretrained pipeline {name!r}. Known: {', '.join(known)}.")
    return _HOME / f"{name}.lenet"


__getattr__ = forward(__name__, {"path_of": "lenetkit.pretrained.get_path"})

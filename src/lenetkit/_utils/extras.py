"""Libraries that are not installed here: checked before they are needed, and named with the command that cures it.

lenetkit is distributed twice from one source: ``lenetkit`` with everything that training needs, and ``lenetkit-lite``
for reading alone. On machines for which there is no wheel of TensorFlow, ``lenetkit`` installs without it.
"""

import platform
import sys
import sysconfig
from importlib.util import find_spec

from lenetkit.exceptions import MissingExtraError

__all__ = ["get_command", "get_version", "has_wheels", "require_extra", "require_library"]

_FULL, _LIGHT = "lenetkit", "lenetkit-lite"
_LIGHT_EXTRAS = ("demo", "plot")

# How a library is called, and how its distribution is, where that is not the name of its module.
_NAMES = {"ai_edge_litert": "LiteRT", "keras": "Keras", "sklearn": "scikit-learn", "tensorflow": "TensorFlow"}
_DISTRIBUTIONS = {"ai_edge_litert": "ai-edge-litert", "sklearn": "scikit-learn"}

# Libraries that pyproject.toml leaves out by markers, and the machines that have wheels of them.
_SOMEWHERE = ("ai_edge_litert", "keras", "tensorflow")
_MACHINES = {"darwin": ("arm64",), "linux": ("x86_64", "aarch64"), "win32": ("AMD64",)}
_FIRST_WITHOUT = (3, 15)
_WHERE = "use Python 3.11 to 3.14 on Linux with glibc (x86-64, ARM64), Windows (x86-64) or macOS (Apple silicon)"


def get_version(package: str = _FULL) -> str:
    """Return the version of an installed distribution; that of lenetkit under either of its two names.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If it is not installed.
    """
    from importlib.metadata import version

    return version(_find_distribution() if package == _FULL else package)


def require_extra(purpose: str, extra: str, *modules: str) -> None:
    """Check that the modules of an extra are installed; none is imported.

    Raises
    ------
    MissingExtraError
        If one is not; the message says how to install it.
    """
    if missing := _find_missing(modules):
        raise _error(purpose, missing, get_command(extra))


def get_command(extra: str) -> str:
    """Return the command that installs an extra."""
    light = _find_distribution() == _LIGHT
    name = _LIGHT if light and extra in _LIGHT_EXTRAS else _FULL
    return f'{_change(light and name == _FULL)}pip install "{name}[{extra}]"'


def require_library(purpose: str, *modules: str) -> None:
    """Check that libraries are installed which ``lenetkit-lite`` does without, and ``lenetkit`` on some machines.

    None is imported.

    Raises
    ------
    MissingExtraError
        If one is not; the message says how to install it, or that this machine has no wheel of it.
    """
    if not (missing := _find_missing(modules)):
        return
    here = sys.version_info[:2], sys.platform, platform.machine()
    if set(missing) & set(_SOMEWHERE) and (_has_musl() or not has_wheels(*here)):
        kind = f"Python {here[0][0]}.{here[0][1]} on {platform.system()} {here[2]}{' with musl' if _has_musl() else ''}"
        raise MissingExtraError(f"{purpose} needs {_join(missing)}, for which there is no wheel for {kind}: {_WHERE}.")
    # On Alpine Linux, which no marker knows, the full distribution cannot be installed.
    change = _find_distribution() == _LIGHT and not _has_musl()
    distributions = [_FULL] if change else [_DISTRIBUTIONS.get(name, name) for name in missing]
    raise _error(purpose, missing, f"{_change(change)}pip install {' '.join(distributions)}")


def _find_missing(modules: tuple[str, ...]) -> list[str]:
    return [name for name in modules if (sys.modules[name] if name in sys.modules else find_spec(name)) is None]


def _error(purpose: str, missing: list[str], command: str) -> MissingExtraError:
    return MissingExtraError(f"{purpose} needs {_join(missing)}, not installed here. Install it with: {command}")


def _join(modules: list[str]) -> str:
    *others, last = (_NAMES.get(name, name) for name in modules)
    return f"{', '.join(others)} and {last}" if others else last


def _change(needed: bool) -> str:
    """Return the command that makes room for the other distribution: both hold the same files."""
    return f"pip uninstall -y {_LIGHT} && " if needed else ""


def _find_distribution() -> str:
    """Return the name under which lenetkit is installed; the full one's if it is not."""
    from importlib.metadata import PackageNotFoundError, distribution

    for name in (_FULL, _LIGHT):
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        return name
    return _FULL


def has_wheels(python: tuple[int, int], system: str, machine: str) -> bool:
    """Tell whether there are wheels of TensorFlow and LiteRT, as the markers in pyproject.toml do.

    A Python is (3, 13), a system and a machine what ``sys.platform`` and ``platform.machine()`` say.
    """
    return python < _FIRST_WITHOUT and machine in _MACHINES.get(system, ())


def _has_musl() -> bool:
    return "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")

"""Optional dependencies, checked before they are needed."""

import sys
from importlib.util import find_spec

from lenetkit.exceptions import MissingExtraError

__all__ = ["require_extra"]


def require_extra(purpose: str, extra: str, *modules: str) -> None:
    """Check that the modules of an extra are installed; none is imported.

    Raises
    ------
    MissingExtraError
        If one is not; the message says how to install it.
    """
    missing = [name for name in modules if (sys.modules[name] if name in sys.modules else find_spec(name)) is None]
    if missing:
        raise MissingExtraError(
            f"{purpose} needs {' and '.join(missing)}, not installed here. "
            f'Install it with: pip install "lenetkit[{extra}]"'
        )

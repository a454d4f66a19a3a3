"""SciPy's ``ndimage``, imported quietly when this module is: importing SciPy adds filters of warnings."""

from typing import TYPE_CHECKING

from lenetkit._utils.imports import import_quietly

if TYPE_CHECKING:
    from scipy import ndimage
else:
    ndimage = import_quietly("scipy.ndimage")

__all__ = ["ndimage"]

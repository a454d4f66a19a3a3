"""Random variations of training images, for ``Trainer(augmentation=...)``: see :mod:`lenetkit.augmentation`.

The trainer uses them too and may not import this stage, so they live on the ground floor.
"""

from lenetkit.augmentation import Shift, Warp

__all__ = ["Shift", "Warp"]

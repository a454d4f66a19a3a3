"""Random variations of training images, for ``Trainer(augmentation=...)``.

In: a batch of float32 images (n, height, width, channels) as a TensorFlow tensor, uint8 pixels brought to 0..1, and a
key: an int32 tensor (seed, step). Out: the batch, varied; the same key gives the same variations. Next: the model, in
the same compiled training step. Any callable of this kind will do. TensorFlow is imported when one is first used.

:class:`Shift` and :class:`Warp` move pixels; :class:`Stroke`, :class:`Noise` and :class:`Erase` change them, each
image in its own way, and take bright ink on dark in 0..1 for granted. :class:`Compose` applies several::

    Trainer(augmentation=Compose([Warp(elastic=0.4), Stroke(), Noise(), Erase()]))
"""

# The trainer uses them too and may not import this stage, so they live on the ground floor.

from lenetkit._augment_pixels import Compose, Erase, Noise, Stroke
from lenetkit.augmentation import Shift, Warp

__all__ = ["Compose", "Erase", "Noise", "Shift", "Stroke", "Warp"]

"""The canary of a checkpoint: a hash of what one more step gives, computed again before a run goes on.

Threads, instruction sets, compilers and whatever else no record names decide the last bits of a step. If one step from
the checkpoint gives other bits now, the whole run would.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["NOT_REPEATABLE", "OTHER_ARITHMETIC", "take_probe"]

NOT_REPEATABLE = (
    "a training step gives another result when it is repeated, so a run that is stopped could not go on to the same "
    "bits: something in the augmentation, the model or the loss draws random numbers of its own, or the device adds in "
    "no fixed order. Draw from the key that an augmentation is given (tf.random.stateless_uniform and its like), call "
    "tf.config.experimental.enable_op_determinism() on a GPU, or train without checkpoint=."
)
OTHER_ARITHMETIC = (
    "the checkpoint {path} was written where a training step gives other bits: one step, computed again from it with "
    "the same data and settings, does not give what it gave. Something that no record names has changed, such as a "
    "function that the augmentation, the loss or the model calls, a library or the processor. Go on where it was "
    "written, or remove the file to start anew."
)


def take_probe(variables: Sequence[Any], step: Callable[[], object]) -> str:
    """Return a hash of the variables after a step, and give them back the values from before it."""
    before = [np.array(variable.numpy()) for variable in variables]
    try:
        step()
        digest = hashlib.sha256()
        for variable in variables:
            digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    return digest.hexdigest()

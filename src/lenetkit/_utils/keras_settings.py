"""Keras' settings while lenetkit uses it, whatever the user's files and the program around have set."""

import contextlib
from collections.abc import Iterator

__all__ = ["standard_keras"]


@contextlib.contextmanager
def standard_keras() -> Iterator[None]:
    """Give Keras its standard settings while the block lasts, whatever ``keras.json`` or the program around has set.

    Layers, losses and metrics take over float type, image layout and precision when they are made. Models are defined
    for float32 with channels last, and are saved and checked as such.
    """
    from keras import config

    found = config.floatx(), config.image_data_format(), config.epsilon(), config.dtype_policy()
    config.set_floatx("float32")
    config.set_image_data_format("channels_last")
    config.set_epsilon(1e-7)
    config.set_dtype_policy("float32")
    try:
        yield
    finally:
        config.set_floatx(found[0])
        config.set_image_data_format(found[1])
        config.set_epsilon(found[2])
        config.set_dtype_policy(found[3])

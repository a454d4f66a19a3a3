"""Checks of arguments that several builders have. Imports no TensorFlow until it is called."""

from lenetkit.exceptions import SettingError

__all__ = ["require_activation", "require_side"]


def require_side(model: str, input_shape: tuple[int, int, int], smallest: int) -> None:
    """Raise SettingError if height or width is below `smallest`: convolutions and poolings would leave nothing."""
    height, width, _ = input_shape
    if min(height, width) < smallest:
        raise SettingError(
            f"{model} needs images of at least {smallest} x {smallest} pixels; got {height} x {width}. "
            "Enlarge them first, for example with lenetkit.transforms.Resize."
        )


def require_activation(activation: str) -> None:
    """Raise SettingError if it is not the name of a Keras activation."""
    import keras

    try:
        keras.activations.get(activation)
    except ValueError:
        raise SettingError(f"activation must be the name of a Keras activation; got {activation!r}.") from None

"""What several builders ask of their arguments. Imports no TensorFlow until it is asked."""

from lenetkit.exceptions import SettingError

__all__ = ["require_activation", "require_side"]


def require_side(model: str, input_shape: tuple[int, int, int], smallest: int) -> None:
    """Refuse images that a model's convolutions and poolings would leave nothing of.

    Raises
    ------
    SettingError
        If height or width is below `smallest`.
    """
    height, width, _ = input_shape
    if min(height, width) < smallest:
        raise SettingError(
            f"{model} needs images of at least {smallest} x {smallest} pixels; got {height} x {width}. "
            "Enlarge them first, for example with lenetkit.transforms.Resize."
        )


def require_activation(activation: str) -> None:
    """Refuse what Keras does not know.

    Raises
    ------
    SettingError
        If it is not the name of a Keras activation.
    """
    import keras

    try:
        keras.activations.get(activation)
    except ValueError:
        raise SettingError(f"activation must be the name of a Keras activation; got {activation!r}.") from None

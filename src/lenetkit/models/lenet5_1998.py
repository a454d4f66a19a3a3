"""LeNet-5 as published in 1998: sparse C3, trained subsampling, scaled tanh, and bitmaps to compare with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lenetkit.exceptions import SettingError
from lenetkit.models._catalogue import register_model

if TYPE_CHECKING:
    import keras

__all__ = ["C3_TABLE", "lenet5_1998"]

C3_TABLE = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),  # three neighbours
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),  # four neighbours
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),  # two pairs
    (0, 1, 2, 3, 4, 5),
)
"""The paper's table I: the indices of S2's six maps that each of C3's sixteen sees. It breaks their symmetry."""

_SIDE = 32
_N_C1 = 6


@register_model(
    "lenet5_1998",
    description="LeNet-5 to the letter of the paper: 60,000 parameters, bitmaps at the output.",
    n_parameters=60_000,
    paper="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998, section II-B and appendix A",
    paper_error=0.95,
    preset={"name": "accurate", "epochs": 10, "label_smoothing": 0.0},
)
def lenet5_1998(
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    c3_table: Sequence[Sequence[int]] | None = None,
    rubbish_distance: float = 10.0,
) -> "keras.Model":
    """Build LeNet-5 with the paper's 60,000 trainable parameters and 340,908 connections.

    Images are centred in 32 x 32 and mapped to the paper's grey levels inside. The output units measure the squared
    distance of F6 from one fixed bitmap of 7 x 12 pixels per class; the answer is the softmax of the negative
    distances. Trained with categorical cross-entropy and without label smoothing, it minimises the paper's maximum a
    posteriori criterion.

    Three things are not the paper's: the drawing of the bitmaps, which it shows only in print, the constant
    `rubbish_distance`, which it does not give, and the training: the paper's learning rates mean nothing without its
    stochastic diagonal Levenberg-Marquardt method.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`; at least 8 x 8. Sides below 32 are framed. The first ten
        classes have bitmaps of the digits, further ones fixed random bitmaps.
    c3_table : sequence of sequences of int, optional
        For each map of C3, the indices (0 to 5) of the maps of S2 that it sees. None is the paper's table.
    rubbish_distance : float, default 10.0
        The constant j of the criterion, the distance of a class of non-digits.

    Raises
    ------
    SettingError
        If the image is smaller than 8 x 8, or an option is invalid.

    Examples
    --------
    >>> from lenetkit.models import model_info
    >>> model_info("lenet5_1998").counts()
    ModelCounts(parameters=60000, connections=340908)
    """
    import keras
    from keras import layers

    from lenetkit.models._layers import (
        BitmapOutput,
        TableConv2D,
        check_table,
        framed_input,
        paper_uniform,
        scaled_tanh,
        subsample,
    )

    if isinstance(rubbish_distance, bool) or not isinstance(rubbish_distance, (int, float)) or rubbish_distance <= 0:
        raise SettingError(f"rubbish_distance must be a positive number; got {rubbish_distance!r}.")
    table = check_table(C3_TABLE if c3_table is None else c3_table, _N_C1, "c3_table")
    image, x = framed_input("lenet5_1998", input_shape, _SIDE)
    x = layers.Conv2D(
        _N_C1, 5, activation=scaled_tanh, kernel_initializer=paper_uniform(25 * input_shape[2]), name="c1"
    )(x)
    x = subsample(x, "s2")
    x = TableConv2D(table, 5, activation=scaled_tanh, name="c3")(x)
    x = subsample(x, "s4")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=scaled_tanh, name="c5")(x)  # the convolution that covers S4 whole
    x = layers.Dense(84, activation=scaled_tanh, name="f6")(x)
    output = BitmapOutput(n_classes, rubbish_distance=float(rubbish_distance), name="output")(x)
    return keras.Model(image, output, name="lenet5_1998")

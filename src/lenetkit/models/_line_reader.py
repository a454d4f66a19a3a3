"""The network that reads a whole line of digits at once: LeNet's layers, swept over the line.

Out: :func:`create_line_reader` and :data:`LINE_READER`, its record. Next: ``tools/train_line_reader.py`` trains it, and
:mod:`lenetkit.reading` reads with it.
"""

from typing import TYPE_CHECKING, Any

import attrs

from lenetkit._utils.keras_settings import standard_keras
from lenetkit._utils.rng import preserve_rng_state
from lenetkit._utils.validation import check_seed
from lenetkit.models._backend import import_keras

if TYPE_CHECKING:
    import keras

__all__ = ["LINE_READER", "LineReaderInfo", "create_line_reader"]


@attrs.frozen(kw_only=True)
class LineReaderInfo:
    """Record of the line reader, known without building it.

    Parameters
    ----------
    name, description : str
        For lists.
    paper : str
        The source of the idea.
    height : int
        Rows of a line's image, in pixels.
    pitch : int
        Columns of the image for one column of the answer.
    characters : str
        The classes in their order; one more, the blank of connectionist temporal classification, follows.
    n_parameters : int
        Trainable parameters.

    Examples
    --------
    >>> from lenetkit.models import LINE_READER
    >>> LINE_READER.height, LINE_READER.pitch, LINE_READER.characters
    (40, 4, '0123456789.,-/: ')
    """

    name: str
    description: str
    paper: str
    height: int
    pitch: int
    characters: str
    n_parameters: int


LINE_READER = LineReaderInfo(
    name="line_reader",
    description="Eleven convolutions swept over a line of digits and signs, trained with CTC.",
    paper="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998, section "
    "VII: Space Displacement Neural Network; trained as Graves et al., Connectionist temporal classification, 2006",
    height=40,
    pitch=4,
    characters="0123456789.,-/: ",
    n_parameters=265_121,
)


def create_line_reader(*, seed: int | None = None) -> "keras.Model":
    """Build the line reader, untrained.

    A network that reads a digit, swept over a line, answers once for each place; seven convolutions see a digit, two
    more the columns beside it. Batch normalisation (Ioffe and Szegedy, 2015) is folded into them when it is saved.

    Parameters
    ----------
    seed : int, optional
        Decides the weights and what dropout leaves out. Without it they are random.

    Returns
    -------
    keras.Model
        Input float32 (n, 40, width, 1), the line less its mean and divided by its spread, ink positive; any width.
        Output float32 (n, width / 4, 17): logits of 10 digits, ``.,-/:``, a gap, and CTC's blank.

    Raises
    ------
    SettingError
        If the seed is not one.
    BackendError
        If Keras runs on another backend than TensorFlow.

    Examples
    --------
    >>> from lenetkit.models import create_line_reader
    >>> create_line_reader(seed=0).output_shape
    (None, None, 17)
    """
    if seed is not None:
        check_seed(seed)
    import_keras()
    with preserve_rng_state(), standard_keras():
        return _build(seed)


def _build(seed: int | None) -> "keras.Model":
    import keras
    from keras import layers

    seeds = iter(range(1_000)) if seed is None else iter(range(1_000 * seed, 1_000 * (seed + 1)))

    def started() -> Any:
        return keras.initializers.GlorotUniform(seed=None if seed is None else next(seeds))

    def convolved(x: Any, maps: int, kernel: int | tuple[int, int], padding: str = "same") -> Any:
        x = layers.Conv2D(maps, kernel, padding=padding, use_bias=False, kernel_initializer=started())(x)
        return layers.BatchNormalization(momentum=0.95, epsilon=1e-5)(x)

    image = x = keras.Input((LINE_READER.height, None, 1), name="image")
    for maps in ((16,), (24, 32), (48, 64)):
        for number in maps:
            x = layers.ReLU()(convolved(x, number, 3))
        x = layers.MaxPooling2D(2 if maps[0] < 48 else (2, 1))(x)
    for _ in range(2):
        x = layers.ReLU()(convolved(x, 64, 3))
    x = layers.ReLU()(convolved(x, 112, (LINE_READER.height // 8, 1), padding="valid"))
    for reach in (5, 3):
        x = layers.ReLU()(layers.Add()([x, convolved(x, 112, (1, reach))]))
    x = layers.Dropout(0.1, seed=seed)(x)
    x = layers.Conv2D(len(LINE_READER.characters) + 1, 1, kernel_initializer=started(), name="logits")(x)
    return keras.Model(image, layers.Reshape((-1, len(LINE_READER.characters) + 1))(x), name=LINE_READER.name)

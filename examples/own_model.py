"""Your own model: one function and one decorator.

Register a model and use it by its name everywhere: in the list, in ``create_model`` with options, in the pipeline.

    python examples/own_model.py                  compares it with LeNet-5 on the bundled digits
    python examples/own_model.py --dataset mnist  the same on MNIST
"""

import argparse
from typing import TYPE_CHECKING

from lenetkit import Pipeline, Trainer, create_model, list_models, load_dataset, model_info, register_model

if TYPE_CHECKING:
    import keras


@register_model("two_layers", description="One hidden layer, no convolution.", n_parameters=101_770)
def two_layers(input_shape: tuple[int, int, int], n_classes: int, *, units: int = 128) -> "keras.Model":
    """Build a network on a flat list of pixels."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="two_layers")


def main() -> None:
    parser = argparse.ArgumentParser(description="Register a model of one's own and compare it with LeNet-5.")
    parser.add_argument("--dataset", default="digits", metavar="NAME|PATH", help="default: digits")
    data = load_dataset(parser.parse_args().dataset)

    print("models:", ", ".join(list_models()))
    print("options of two_layers:", dict(model_info("two_layers").options))
    print(f"two_layers with 32 units has {create_model('two_layers', units=32).count_params():,} parameters")

    train, test = data.split(test_size=0.10, seed=0)
    for name in ("two_layers", "lenet5"):
        pipe = Pipeline(name, trainer=Trainer(epochs=data.epochs, verbose=0))
        pipe.fit(train.images, train.labels)
        print(f"{name} on {data.name}: {pipe.evaluate(test.images, test.labels).summary_line}")


if __name__ == "__main__":
    main()

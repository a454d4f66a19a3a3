"""
Compare your own model with LeNet-5
===================================

After registration with a decorator, your model can be used by its name everywhere. Here
``compare`` trains it and LeNet-5 with several seeds and tests the difference for
significance.
"""

from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer, compare, load_dataset, model_info, register_model

# %%
# Register the model
# ------------------
#
# A builder takes the shape of an image and the number of classes, and returns a Keras model.


@register_model(
    "two_layers",
    description="One hidden layer, no convolution.",
    n_parameters=25_450,
    replace=True,
)
def two_layers(input_shape, n_classes, *, units=32):
    """Build a network on a flat list of pixels."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    return keras.Model(
        image,
        layers.Dense(n_classes, activation="softmax", name="output")(x),
        name="two_layers",
    )


print(model_info("two_layers"))

# %%
# Compare
# -------
#
# Every model is trained with each seed and tested on the same images.

recipe = Trainer(epochs=12, batch_size=32, verbose=0)
models = {name: Pipeline(name, trainer=recipe) for name in ("two_layers", "lenet1", "lenet5")}
table = compare(models, load_dataset("digits"), test_size=0.25, seeds=2)
table.drop(columns="seconds").round(4)

# %%
# Dots are single seeds, lines the 95 % interval for other test images. The last column of the
# table is the p-value of McNemar's test against the first row: below 0.05 the difference is
# significant.

figure, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
for row, (name, line) in enumerate(table.iterrows()):
    ax.plot(
        [100 * line["low"], 100 * line["high"]],
        [row, row],
        color="0.7",
        linewidth=6,
        solid_capstyle="round",
    )
    ax.plot(
        [100 * accuracy for accuracy in table.attrs["per_seed"][name]],
        [row] * 2,
        "o",
        color="#D55E00",
    )
    ax.annotate(
        f"{line['parameters']:,.0f} parameters",
        (100 * line["low"], row),
        (0, 9),
        textcoords="offset points",
        size=8,
    )
ax.set(yticks=range(len(table)), yticklabels=table.index, xlabel="accuracy in %")
ax.margins(y=0.35)
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)

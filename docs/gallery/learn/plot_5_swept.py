"""
A network swept over a number
=============================

The paper of 1998 also reads several digits without cutting them apart: in section VII, a
network is swept over the whole line and says at each place which digit stands there. Its
figures 25 and 26 show input, answers and result one below the other. This page draws such a
figure twice: with a LeNet-5 trained as in that section, and with the network that
``read_number`` uses.
"""

import keras
import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Trainer, create_model
from lenetkit.bundle import read_bundle
from lenetkit.pretrained import get_path
from lenetkit.runtime import SweptPredictor
from lenetkit.synthesis import LineSettings, draw_digits, draw_line

# %%
# Digits with neighbours
# ----------------------
#
# What the swept network sees is not one digit, but a digit between parts of two others. So
# in the paper each training image has a digit in the middle and one at either side, with -1
# to 4 pixels between them, and noise; without a digit in the middle, the answer is a class of
# its own, "none". Here a window that is more than 3 pixels off a digit's middle has none.

rng = np.random.default_rng(0)
drawn = draw_digits(4000, styles="american", seed=1)
inked = [image[:, image.any(axis=0)] for image in drawn.images]


def in_a_row(digits):
    """Return digits side by side between margins, and the middle of each."""
    spaces = rng.integers(-1, 5, size=len(digits))
    row = np.zeros((28, 30 + sum(digit.shape[1] for digit in digits) + spaces.sum() + 30))
    end, middles = 30, []
    for digit, space in zip(digits, spaces, strict=True):
        start, end = end, end + digit.shape[1]
        row[:, start:end] = np.maximum(row[:, start:end], digit)
        middles.append((start + end) // 2)
        end += space
    row[rng.random(row.shape) < 0.02] = 255
    return row.astype(np.float32) / 255, np.array(middles)


def draw_window():
    """Return an image of 28 x 28 out of a row of one to three digits, and its class."""
    chosen = rng.integers(len(inked), size=rng.integers(1, 4))
    row, middles = in_a_row([inked[index] for index in chosen])
    middle = rng.choice(middles) + rng.integers(-12, 13)
    nearest = np.abs(middles - middle).argmin()
    seen = abs(middles[nearest] - middle) <= 3
    return row[:, middle - 14 : middle + 14], drawn.labels[chosen[nearest]] if seen else 10


windows, classes = map(np.array, zip(*(draw_window() for _ in range(12000)), strict=True))
figure, axes = plt.subplots(1, 10, figsize=(9, 1.3), layout="constrained")
for ax, image, label in zip(axes, windows, classes, strict=False):
    ax.imshow(image, cmap="gray")
    ax.set_title("none" if label == 10 else label, size=9)
    ax.set_axis_off()

# %%
# LeNet-5, swept
# --------------
#
# On a wider image the layers of a convolutional network give wider maps, and C5, F6 and the
# output answer once for each position: here every fourth column. Nothing is computed twice.

model = create_model("lenet5", n_classes=11, seed=0)
trainer = Trainer(epochs=4, augmentation=None, verbose=0)
trainer.fit(model, windows, np.eye(11, dtype=np.float32)[classes])


def sweep(line):
    """Return LeNet-5's probabilities at every fourth column of a line of 28 rows."""
    maps = line[None, ..., None]
    for name in ("c1", "s2", "c3", "s4"):
        maps = model.get_layer(name)(maps)
    for name, side in (("c5", 5), ("f6", 1), ("output", 1)):
        dense = model.get_layer(name)
        kernel, bias = dense.get_weights()
        kernel = kernel.reshape(side, side, -1, len(bias))
        maps = dense.activation(keras.ops.conv(maps, kernel, padding="valid") + bias)
    return np.array(maps)[0, 0]


# %%
# As in figure 25
# ---------------
#
# From the input upwards, as in the paper: the most probable class of each column, darker the
# more probable it is, and the result. Below the input, all probabilities. Several columns in
# a row see the same digit; repeats are one digit, unless "none" stands between them. (The
# paper's own figures are under copyright, so they are not shown here.)


def collapse(classes, names):
    """Return the text of one class for each column: repeats and the last class left out."""
    kept = [
        label
        for index, label in enumerate(classes)
        if label < len(names) and (index == 0 or label != classes[index - 1])
    ]
    return "".join(names[label] for label in kept)


def plot_answers(image, probabilities, middles, names):
    """Draw an image, the winning classes above it, and all probabilities below it."""
    _, (winners, picture, table) = plt.subplots(
        3, 1, figsize=(9, 5.4), sharex=True, height_ratios=[0.5, 1.6, 3], layout="constrained"
    )
    classes = probabilities.argmax(axis=1)
    for middle, label, column in zip(middles, classes, probabilities, strict=True):
        if label < len(names):
            shade = str(0.8 * (1 - column[label]))
            name = "␣" if names[label] == " " else names[label]
            winners.text(middle, 0.4, name, ha="center", va="center", color=shade)
    winners.set_title(collapse(classes, names), size=16, family="monospace")
    winners.set_axis_off()
    picture.imshow(image, cmap="gray", aspect="auto", extent=(0, image.shape[1], 1, 0))
    picture.set_axis_off()
    pitch = middles[1] - middles[0]
    edges = [*(middle - pitch / 2 for middle in middles), middles[-1] + pitch / 2]
    table.pcolormesh(edges, np.arange(len(names) + 2), probabilities.T, cmap="Blues", vmin=0)
    labels = [*("gap" if name == " " else name for name in names), "none"]
    table.set(yticks=np.arange(len(labels)) + 0.5, xlabel="column of the image")
    table.set_yticklabels(labels, size=8)
    table.set(xlim=(0, image.shape[1]), ylim=(len(labels), 0))


rng = np.random.default_rng(4)
test = draw_digits(100, styles="american", seed=9)
some = test.images[[93, 25, 5, 60]]
row, _ = in_a_row([image[:, image.any(axis=0)] for image in some])
answers = sweep(row)
plot_answers(1 - row, answers, 4 * np.arange(len(answers)) + 14, "0123456789")

# %%
# The network of read_number
# --------------------------
#
# It has eleven convolutions instead of LeNet-5's three, reads signs and gaps, too, and was
# trained without knowing where in the line each digit stands (CTC: see
# :doc:`/learn/reading_lines`). So it is free to choose the columns, and most often answers in
# one or two near the middle of a digit, and "none" (CTC's blank) elsewhere.

settings = LineSettings(height=40, digit_height=(26, 30))
line = draw_line("27-11-1998", settings=settings, seed=5)
saved = read_bundle(get_path("digits")).line_reader
reader = SweptPredictor(saved.tflite, pitch=saved.pitch)
answers = np.exp(reader.log_probabilities(line.image))
middles = [reader.place(column + 0.5) for column in range(len(answers))]
plot_answers(line.image, answers, middles, saved.characters)

# %%
# Touching digits
# ---------------
#
# Nothing is cut, so that it does not matter much if digits touch.

settings = LineSettings(height=40, digit_height=(26, 30), touching=1)
line = draw_line("38850", settings=settings, seed=2)
answers = np.exp(reader.log_probabilities(line.image))
middles = [reader.place(column + 0.5) for column in range(len(answers))]
plot_answers(line.image, answers, middles, saved.characters)

# sphinx_gallery_thumbnail_number = 2

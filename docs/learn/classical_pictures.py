"""The pictures of the classical procedure's steps."""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import LabelEncoder, create_model, load_dataset
from lenetkit.transforms import Resize

BLUE, ORANGE = "#0072B2", "#D55E00"


def sizes():
    """Draw ten digits before and after they are resized."""
    digits = load_dataset("digits")[:10]
    rows = (digits.images, Resize((28, 28))(digits.images))
    _, axes = plt.subplots(2, 10, figsize=(8, 1.9), layout="constrained")
    for images, line, size in zip(rows, axes, ("8 x 8", "28 x 28"), strict=True):
        for image, ax in zip(images, line, strict=True):
            ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(size)


def parts():
    """Draw how many of each digit are for training and for testing."""
    train, test = load_dataset("digits").split(test_size=0.10, seed=0)
    for_training, for_testing = (np.bincount(part.labels) for part in (train, test))
    _, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
    ax.bar(range(10), for_training, color=BLUE, label="train")
    ax.bar(range(10), for_testing, bottom=for_training, color=ORANGE, label="test")
    ax.set(xticks=range(10), xlabel="digit", ylabel="images")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    ax.spines[["top", "right"]].set_visible(False)


def untrained():
    """Draw how sure a fresh network is of its answers to pixels from 0 to 255 and from 0 to 1."""
    images = Resize((28, 28))(load_dataset("digits").images)[..., None].astype(np.float32)
    model = create_model("lenet5", seed=0)
    _, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
    for name, scale, colour in (("0 to 255", 1.0, ORANGE), ("0 to 1", 1 / 255, BLUE)):
        sure = model.predict(images * scale, verbose=0).max(axis=1)
        ax.hist(sure, bins=np.linspace(0, 1, 41), color=colour, label=f"pixels from {name}")
    ax.set(xlabel="probability of its answer", ylabel="images", xlim=(0, 1))
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)


def targets():
    """Draw labels and the rows that the encoder makes of them."""
    labels = load_dataset("digits").labels[10:18][::-1]
    rows = LabelEncoder(classes=range(10)).fit(labels).transform(labels)
    _, ax = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
    ax.pcolormesh(rows, cmap="Blues", vmin=0, vmax=1.4, edgecolors="#ccc", linewidth=1)
    ax.set(xticks=np.arange(10) + 0.5, xticklabels=range(10), xlabel="output of the network")
    ax.set(yticks=np.arange(len(labels)) + 0.5, yticklabels=labels, ylabel="label", aspect="equal")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)

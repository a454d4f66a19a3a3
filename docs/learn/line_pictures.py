"""The pictures of the page on reading whole lines."""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.synthesis import draw_number

BLUE, ORANGE = "#0072B2", "#D55E00"


def pieces():
    """Draw a number with cuts, and the piece between each two of them with the label and penalty it is given."""
    image = draw_number("340", style="american", spacing=0.02, height=60, seed=3).image
    columns = np.flatnonzero(image.any(axis=0))
    image = image[:, columns[0] : columns[-1] + 1]
    cuts = find_cuts(image)
    arcs = [(first, last) for first in range(len(cuts)) for last in range(first + 1, min(first + 4, len(cuts)))]
    crops = [image[:, cuts[first] : cuts[last]] for first, last in arcs]
    pipe = Pipeline.pretrained()
    answers = pipe.predict_proba([np.pad(255 - crop, 24, constant_values=255) for crop in crops])

    figure = plt.figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.7])
    ax = left.subplots()
    ax.imshow(255 - image, cmap="gray", vmin=0, vmax=255)
    for index, cut in enumerate(cuts):
        ax.axvline(cut - 0.5, color=ORANGE, linewidth=1.2)
        ax.text(cut, -4, index, ha="center", color=ORANGE)
    ax.set_axis_off()
    axes = right.subplots(3, len(cuts) - 1)
    for ax in axes.flat:
        ax.set_axis_off()
    for (first, last), crop, answer in zip(arcs, crops, answers, strict=True):
        ax = axes[last - first - 1, first]
        missing = max(0, image.shape[1] * 2 // 3 - crop.shape[1])
        ax.imshow(np.pad(255 - crop, ((0, 0), (0, missing)), constant_values=255), cmap="gray", vmin=0, vmax=255)
        label = answer.argmax()
        ax.set_title(f"{first} to {last}: {label}, {abs(np.log(answer[label])):.2f}", size=9, loc="left")


def find_cuts(image):
    """Return columns with less ink than those beside them, and both ends."""
    profile = np.convolve((image > 0).sum(axis=0), np.ones(3) / 3, mode="same")
    cuts = [0]
    for column in np.argsort(profile, kind="stable"):
        if all(abs(column - other) > 16 for other in [*cuts, image.shape[1]]) and len(cuts) < 5:
            cuts.append(int(column))
    return [*sorted(cuts), image.shape[1]]


def trellis():
    """Draw the states of the text 71 in four columns, the ways between them, and the most probable one."""
    names, best = ("blank", "7", "blank", "1", "blank"), (0, 1, 3, 3)
    answer = np.array([[0.1, 0.3, 0.6], [0.1, 0.4, 0.5], [0.6, 0.1, 0.3], [0.8, 0.1, 0.1]])
    _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    for column in range(3):
        for state in range(5):
            for step in (0, 1, 2) if state == 1 else (0, 1):
                if is_used(column, state) and state + step < 5 and is_used(column + 1, state + step):
                    chosen = best[column : column + 2] == (state, state + step)
                    ax.annotate(
                        "",
                        (column + 1, state + step),
                        (column, state),
                        arrowprops={
                            "arrowstyle": "->",
                            "color": ORANGE if chosen else "#999",
                            "linewidth": 2 if chosen else 0.8,
                            "shrinkA": 13,
                            "shrinkB": 13,
                        },
                    )
    for column in range(4):
        for state in range(5):
            probability = answer[column, (2, 1, 2, 0, 2)[state]]
            shade = BLUE if is_used(column, state) else "#ccc"
            ax.plot(column, state, "o", markersize=23, markerfacecolor="white", markeredgecolor=shade)
            ax.text(column, state, f"{probability:.1f}", ha="center", va="center", size=9, color=shade)
    ax.set(xticks=range(4), yticks=range(5), xlim=(-0.4, 3.4), ylim=(4.5, -0.5), xlabel="column")
    ax.set_yticklabels(names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def is_used(column, state):
    """Return True where a path from the beginning to the end goes through."""
    return state <= 1 + 2 * column and state >= 3 - 2 * (3 - column)

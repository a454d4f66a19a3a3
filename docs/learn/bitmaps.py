"""Train the network of 1998 on drawn digits, and draw what F6 makes of a 7 beside the bitmaps it is compared with."""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline, Trainer
from lenetkit.diagnosis import feature_maps
from lenetkit.models._bitmaps import HEIGHT, WIDTH, class_bitmaps
from lenetkit.synthesis import draw_digits

drawn = draw_digits(4000, styles="american", seed=1)
trainer = Trainer(epochs=4, batch_size=64, label_smoothing=0.0, verbose=0)
pipe = Pipeline("lenet5_1998", trainer=trainer).fit(drawn.images, drawn.labels)
seven = draw_digits(10, styles="american", seed=2).images[7]
f6 = dict(feature_maps(seven, pipe).layers)["f6"]
distances = ((class_bitmaps(10) - f6) ** 2).sum(axis=1)

_, axes = plt.subplots(1, 12, figsize=(9, 1.6), layout="constrained", width_ratios=[HEIGHT / WIDTH] + [1] * 11)
pictures = [seven, *(bits.reshape(HEIGHT, WIDTH) for bits in (f6, *class_bitmaps(10)))]
titles = ["input", "F6", *(f"{distance:.0f}" for distance in distances)]
for place, (ax, picture, title) in enumerate(zip(axes, pictures, titles, strict=True)):
    limits = {"vmin": 0, "vmax": 255} if place == 0 else {"vmin": -1.3, "vmax": 1.3}
    ax.imshow(picture, cmap="gray", interpolation="nearest", **limits)
    nearest = place == 2 + int(np.argmin(distances))
    ax.set_title(
        title, fontsize=10, color="#D55E00" if nearest else "black", fontweight="bold" if nearest else "normal"
    )
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=nearest, color="#D55E00", linewidth=2)
axes[6].set_xlabel("squared distance of F6 from each bitmap; the smallest wins", fontsize=10)

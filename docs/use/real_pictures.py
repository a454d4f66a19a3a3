"""Draw digits on all kinds of paper, and below each what MnistNormalize makes of it."""

import matplotlib.pyplot as plt
import numpy as np

from lenetkit.synthesis import draw_number, draw_paper
from lenetkit.transforms import MnistNormalize


def picture(digit, *, side=240, height=110, ink=(45, 48, 60), pen=(0.07, 0.1), place=(0.5, 0.5), **paper):
    """Return a digit on paper, in colour."""
    shade = paper.pop("shade", (225, 222, 214))
    page = draw_paper(side, side, shade=shade, seed=digit, **paper)
    number = draw_number(str(digit), height=height, pen_width=pen, style="american", seed=digit + 1)
    rows, columns = (
        slice(start := round(share * (side - length)), start + length)
        for share, length in zip(place, number.image.shape, strict=True)
    )
    page[rows, columns] = number.on(page[rows, columns].copy(), ink=ink)
    return page


pictures = [
    picture(0, shade=(255, 255, 255), noise=0.0, ink=(0, 0, 0)),
    255 - picture(1, noise=1.0),
    picture(2, shadow=0.6, noise=3.0),
    picture(3, ruling="ruled", pitch=44),
    picture(4, ruling="grid", pitch=40, ink=(40, 60, 170)),
    picture(5, ruling="dotted", pitch=50, shadow=0.4),
    picture(6, shade=(150, 150, 150), noise=14.0, specks=25, ink=(60, 60, 60)),
    picture(7, ink=(205, 60, 50), pen=(0.03, 0.035)),
    picture(8, pen=(0.2, 0.24), height=120),
    picture(9, height=50, place=(0.8, 0.2), ruling="framed"),
]
normal = MnistNormalize()(pictures)

figure, axes = plt.subplots(2, len(pictures), figsize=(10, 2.2), layout="constrained")
for column, images in zip(axes.T, zip(pictures, normal, strict=True), strict=True):
    for axis, image in zip(column, images, strict=True):
        axis.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()

"""
Second looks
============

Outlines, crossing lines, grains: where the ink alone does not tell what a picture shows, the
pipeline looks again, and answers from the look that its networks are surest of.
"""

import numpy as np

from lenetkit import Pipeline
from lenetkit.plotting import plot_digits
from lenetkit.synthesis import corrupt, draw_digits

pipe = Pipeline.pretrained()
digits = draw_digits(20, styles="school", seed=4)

# %%
# Pictures in doubt
# -----------------
#
# The same drawn digits by their outlines, with a zigzag line across, and with grains.

for kind in ("canny_edges", "zigzag", "impulse_noise"):
    spoilt = corrupt(digits.images, kind)
    looks = pipe.looks(spoilt)
    first = np.stack([all_looks[0].image for all_looks in looks])
    every_look = [look for all_looks in looks for look in all_looks]
    taken = np.stack([look.image for look in every_look if look.taken])
    right = (pipe.predict(spoilt) == digits.labels).sum()
    right_at_first = (pipe.predict(first) == digits.labels).sum()
    plot_digits(spoilt, title=f"{kind}: as it is", max_images=20)
    plot_digits(
        first, title=f"the first look: {right_at_first} of 20 are read", max_images=20
    )
    plot_digits(taken, title=f"the look that is taken: {right} of 20", max_images=20)

# %%
# The ways of looking again
# -------------------------
#
# Each look has the way to it, and how sure the networks are of it.

for all_looks in pipe.looks(corrupt(digits.images[5:8], "zigzag")):
    for look in all_looks:
        mark = "*" if look.taken else " "
        print(f"{mark} {look.sureness:6.1%}  {look.done or 'first look'}")
    print()

# %%
# All of it for one picture
# -------------------------
#
# From the picture as it was read to the answer: the first one whose second look is taken.

crossed = corrupt(digits.images, "zigzag")
row = next(row for row, looks in enumerate(pipe.looks(crossed)) if not looks[0].taken)
pipe.trace(crossed[row : row + 1]).plot()

"""Draw the table of connections between S2 and C3."""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit.models.lenet5_1998 import C3_TABLE

connected = np.zeros((6, len(C3_TABLE)))
for column, row in enumerate(C3_TABLE):
    connected[list(row), column] = 1
_, ax = plt.subplots(figsize=(7, 2.9), layout="constrained")
ax.pcolormesh(connected, cmap="Blues", vmin=0, vmax=1.4, edgecolors="white", linewidth=2)
ax.set(xticks=np.arange(16) + 0.5, xticklabels=range(16), yticks=np.arange(6) + 0.5, yticklabels=range(6))
ax.set(xlabel="map of C3", ylabel="map of S2", aspect="equal")
ax.invert_yaxis()
ax.tick_params(length=0)
for spine in ax.spines.values():
    spine.set_visible(False)

"""Draw the squashing function of 1998 beside that of today, and both slopes."""

import numpy as np
from matplotlib import pyplot as plt

x = np.linspace(-4, 4, 401)
curves = {
    "1.7159 tanh(2x/3)": (1.7159 * np.tanh(2 * x / 3), "#0072B2"),
    "ReLU": (np.maximum(x, 0), "#D55E00"),
}
_, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name, (y, colour) in curves.items():
    left.plot(x, y, color=colour, label=name)
    right.plot(x, np.gradient(y, x), color=colour, label=name)
left.plot([-1, 1], [-1, 1], "o", color="#0072B2", markersize=5)
left.set(title="what a unit answers", xlabel="weighted sum", ylim=(-2.2, 4.2))
right.set(title="slope: what an error is multiplied with", xlabel="weighted sum")
for ax in (left, right):
    ax.axhline(0, color="#888", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False)

"""
Rejection
=========

A network trained on ten digits assigns one of them to every image. The pretrained pipeline
can reject an image that shows no digit or is uncertain, and its probabilities are calibrated.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.plotting import plot_digits
from lenetkit.synthesis import corrupt, draw_digits, draw_nondigits

pipe = Pipeline.pretrained()

# %%
# Non-digits
# ----------
#
# Digits, and seven kinds of non-digits, each with its label or the rejection.

digits = draw_digits(7, styles="american", seed=5)
others = draw_nondigits(14, seed=6)
pictures = np.concatenate([digits.images, others.images])
answers = pipe.predict(pictures, reject=0.01)
plot_digits(
    pictures,
    ["rejected" if answer.rejected else answer.label for answer in answers],
    n_columns=7,
)

# %%
# The reasons:

for reason in sorted({answer.reason for answer in answers if answer.rejected}):
    print(reason)

# %%
# Calibration
# -----------
#
# Digits made difficult by rotation and noise. In the reliability diagram, nine of ten answers
# with a confidence of 90 % should be correct; on the dashed line, confidence equals accuracy.

clean = draw_digits(3000, seed=2)
hard = np.concatenate(
    [
        corrupt(clean.images[:1500], "rotate", severity=4),
        corrupt(clean.images[1500:], "shot_noise"),
    ]
)
evaluation = pipe.evaluate(hard, clean.labels)
print(evaluation.summary_line)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
evaluation.plot_reliability(ax=left)
evaluation.plot_rejection(ax=right)

# %%
# The curve on the right shows the benefit of rejection: the error rate among the answered
# images against the fraction of rejected images, the least certain first.

curve = evaluation.rejection_curve()
for share in (0.0, 0.1, 0.2, 0.3):
    row = curve[curve["rejected"] >= share].iloc[0]
    print(f"{row['rejected']:.0%} declined: {row['error_rate']:.2%} of the others are wrong")

"""
When not to answer
==================

A network that learnt ten digits takes everything for one of them. The pretrained pipeline
says when a picture shows no digit, and when it is not sure enough; and how sure it is can be
taken at its word.
"""

import numpy as np
from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.plotting import plot_digits
from lenetkit.synthesis import corrupt, draw_digits, draw_nondigits

pipe = Pipeline.pretrained()

# %%
# Not a digit
# -----------
#
# Digits, and pictures of seven kinds that are none: above each the answer, or that there is
# none.

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
# How sure, and how right
# -----------------------
#
# Digits that are hard on purpose: turned, and strewn with noise. In the reliability diagram
# an answer that is 90 % sure should be right nine times of ten; dots on the dashed line are
# as right as they are sure.

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
# The curve on the right is what declining is worth: the error among the answers that are
# given, against the share of pictures that the pipeline declines, the least sure first.

curve = evaluation.rejection_curve()
for share in (0.0, 0.1, 0.2, 0.3):
    row = curve[curve["rejected"] >= share].iloc[0]
    print(f"{row['rejected']:.0%} declined: {row['error_rate']:.2%} of the others are wrong")

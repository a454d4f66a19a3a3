"""
Numbers that are hard to read
=============================

What ``read_number`` still reads wrongly on real cheques and registers, drawn by lenetkit's
own pen: forms of digits that look like other digits, zeros that overlap, and a digit alone.
"""

from matplotlib import pyplot as plt

from lenetkit import Pipeline
from lenetkit.synthesis import LineSettings, draw_digits, draw_line, list_allographs

# %%
# The forms
# ---------
#
# Each number has one hard form; its other digits are as one learns them at school.

KINDS = {
    "2 with a thin loop at its foot": (["2-ribbon"], "2478"),
    "2 with a large loop above": (["2-cue"], "2903"),
    "1 with a looped top": (["1-looped"], "13671"),
    "7 like a small plus sign": (["7-small-plus"], "6237"),
    "5 with its flag apart": (["5-flag-apart"], "15"),
    "4 like an h": (["4-aitch"], "41884"),
    "zeros that overlap": (["0-tailed", "0-threaded"], "40000"),
    "an 8 alone, narrow": (["8-slim"], "8"),
}
plain = {
    digit: [name for name in list_allographs(styles="school") if name[0] == digit]
    for digit in "0123456789"
}


def draw(kind: str, n: int) -> list:
    """Draw n pictures of a kind."""
    hard, text = KINDS[kind]
    names = [
        *hard,
        *(name for digit in sorted({*plain} - {hard[0][0]}) for name in plain[digit]),
    ]
    digits = draw_digits(400, allographs=names, size=48, seed=5)
    close = (-0.22, -0.12) if "overlap" in kind else (0.05, 0.25)
    settings = LineSettings(
        height=None,
        digit_height=(24, 40),
        spacing=close,
        drawn=0.0,
        boxed=0,
        crossed=0,
        lettered=0,
    )
    return [draw_line(text, digits=digits, settings=settings, seed=seed) for seed in range(n)]


# %%
# How many are read
# -----------------
#
# Of each kind thirty pictures; below, the first that is wrong, or the first of all, with what
# is read and how sure that is.

pipe = Pipeline.pretrained()
figure, axes = plt.subplots(len(KINDS) // 2, 2, figsize=(8, 7), layout="constrained")
for ax, kind in zip(axes.flat, KINDS, strict=True):
    lines = draw(kind, 30)
    readings = [pipe.read_number(line.image) for line in lines]
    wrong = [index for index, line in enumerate(lines) if readings[index].text != line.text]
    shown = wrong[0] if wrong else 0
    print(f"{kind:32} {len(lines) - len(wrong)} of {len(lines)} right")
    ax.imshow(lines[shown].image, cmap="gray", vmin=0, vmax=255)
    text, sure = readings[shown].text or "nothing", readings[shown].probability
    ax.set_title(f"{kind}: {lines[shown].text}, read as {text} ({sure:.0%})", fontsize=8)
    ax.axis("off")
plt.show()

# %%
# A wrong reading is seldom sure. With ``reject=0.01`` it is declined rather than given.

declined = sum(
    pipe.read_number(line.image, reject=0.01).rejected
    for kind in KINDS
    for line in draw(kind, 5)
)
print(f"{declined} of {5 * len(KINDS)} are declined")

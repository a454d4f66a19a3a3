"""The stages of :func:`lenetkit._ink.stages` in sentences and formulae, for those who write it in another language.

In: the setting. Out: plain values, whose numbers are the constants that the code itself uses.
Next: ``preprocessing.json`` beside an exported model, and the page of the documentation on it.
"""

from typing import Any

from lenetkit._ink import bands, digit, edges, grey, paper, pieces, rulings

__all__ = ["describe_stages"]


def describe_stages(*, stroke: bool) -> list[dict[str, Any]]:
    """Return the stages in their order, each with its name, whether a port can do without it, and its steps."""
    stages = [
        ("pass", False, _pass_through()),
        ("grey", False, _grey()),
        ("edge lines and bands", True, _edges()),
        ("even paper", False, _even_paper()),
        ("possible ink", False, _possible_ink()),
        ("lines and frames", True, _lines()),
        ("digit", False, _digit()),
        ("full ink", False, _full_ink()),
        ("cut out", False, _cut_out()),
        *([("stroke", False, _stroke())] if stroke else []),
        ("box", False, _box()),
        ("centre", False, _centre()),
    ]
    return [{"stage": name, "rare": rare, "steps": steps} for name, rare, steps in stages]


def _pass_through() -> list[str]:
    return [
        f"An image of {digit.SIDE} x {digit.SIDE} grey pixels is the result as it is if its greatest level is at "
        f"least {digit._WHITE}, the longer side of the box around its pixels above 0 is {digit.BOX}, and its centre "
        "of mass, with pixel centres at i + 0.5, lies in (14, 15] both ways.",
        "Levels from 0 to 1 are multiplied by 255 and rounded to the nearest integer, halves to even.",
    ]


def _grey() -> list[str]:
    return [
        f"If a side is longer than {grey.WORKING_SIDE}: f = the smallest power of two for which longer side / f is "
        f"at most {grey.WORKING_SIDE}; each block "
        "of f x f pixels becomes its mean, blocks that are cut off at the right and lower border likewise.",
        f"Grey pictures stay. Of colour ones shrink a copy in the same way to at most {grey._COLOUR_SIDE} pixels a "
        f"side, and take from each channel its mean over s x s pixels, s = max(3, longer side // {grey._DETAILS} | "
        "1), rounded down, the border mirrored. v is the eigenvector of the 3 x 3 matrix of the sums of products of "
        "these details, 0.001 added to each, with the greatest eigenvalue; its sign makes the sum of v positive. w = "
        "v / (|v0| + |v1| + |v2|); grey = clip(w . rgb - 255 * (sum of the negative w), 0, 255), rounded.",
    ]


def _edges() -> list[str]:
    return [
        f"In pictures whose longer side is below {edges.LARGEST_CELL}: straight lines of one level along the border, "
        f"at most {edges._INSET} pixels inside and at most max({edges._THICKNESS}, {edges._THICKNESS_FRACTION} of the "
        "longer side) thick, are painted with the level of the paper, if a digit on paper is left. The remains of a "
        "grid.",
        f"In pictures whose longer side is below {bands.LARGEST_BANDED}: a band along the border in which black and "
        "white have changed places is turned back. See lenetkit/_ink/edges.py and bands.py.",
    ]


def _even_paper() -> list[str]:
    widest, wide, narrow = paper._WIDEST_STROKES
    return [
        f"Polarity, longer side below {paper.LARGE}: m = lower median of the outermost pixels; if 2 m < darkest + "
        "brightest level, grey = 255 - grey: from here on ink is dark.",
        f"Polarity of larger ones, on a copy of at most {2 * paper.LARGE} pixels a side: smooth, t = slope of it; for "
        f"each of the widths {wide} and {narrow} of the longer side D and B are the sums of t * (close(x) - x) for x "
        f"= the copy and x = 255 - the copy; s = mean of (D - B) / (D + B). On a copy of at most {paper.LARGE} pixels "
        "b = (2 m - darkest - brightest) / (brightest - darkest), and e = the fraction of the outermost pixels "
        f"within 1/{paper._SAME_LEVEL} of the span of m. With k = {paper._BORDER_VOTE} * max(2 e - 1, 0): grey = 255 "
        "- grey if (1 - k) s + k b < 0.",
        "smooth: weights 1 2 1 both ways, / 16, rounded, the border repeated. slope: (right - left)^2 + (below - "
        "above)^2, the border repeated. close(x, size): running maximum, then running minimum, of size | 1 pixels "
        "both ways, the border mirrored.",
        f"Paper: P = close(grey, max(3, round({widest} * longer side))). Ink map: (P - grey) * 255 / max(P, "
        f"{paper._DARKEST_PAPER} * max P, 1), rounded: 0 is paper.",
        f"Longer side from {paper.LARGE} on: grey is smoothed first, once more for each of the noises "
        f"{paper._VERY_NOISY[0]} and {paper._VERY_NOISY[1]} that its own exceeds; and the ink maps for {wide} and "
        f"{narrow} are computed, too. Each takes the place of the best so far if the mean gradient, sqrt(slope), "
        f"along its outline is more than {paper._SHARPER} times as steep and it keeps more than {paper._KEPT} of the "
        f"ink (pixels above level {paper._HALF}, as below).",
        f"Longer side from {paper.WIDE} on: all this is done on a copy of at most {2 * paper.LARGE} pixels a side, "
        "whose every pixel is the mean of f x f, and whose sizes of close are of its own longer side. The best P is "
        "enlarged bilinearly; P = max(P, grey), and the ink map is computed from that once more.",
    ]


def _possible_ink() -> list[str]:
    return [
        f"Noise of a map: of the absolute differences of pixels {paper._FAR} columns apart (1 if the longer side is "
        f"below {paper.LARGE}; noise 0 below {paper._TINY}), q = the one at a quarter of their order and h at half; "
        f"noise = (q / {paper._QUARTER} if q > 0, else min(h, 2) / {paper._MEDIAN}) / sqrt(2).",
        "Levels: paper = the level at a quarter of the order of all pixels. t = slope where it exceeds "
        f"{paper._NOISE_SLOPE} noise^2 + {paper._LEAST_SLOPE}, else 0. mean = sum(t * map) / sum(t); ink = max(paper, "
        f"2 mean - paper). level(f) = paper + max(f * (ink - paper), {paper.NOISES} noise, {paper._LEAST_LEVELS}).",
        f"Possible ink: map > level({pieces._POSSIBLE}); none at all if ink - paper < max({pieces._FAINTEST}, "
        f"{pieces._NOISES} noise) or a side is below {pieces._NARROWEST} pixels.",
    ]


def _lines() -> list[str]:
    return [
        f"Longer side from {paper.LARGE} on: ruled lines from border to border, up to {rulings._STEEPEST:g} steep and "
        f"at most {rulings._THICKEST} of the longer side thick, and closed frames are erased from the mask, except "
        f"where ink longer than {pieces.CROSSING} times their thickness crosses them, if a digit is left. See "
        "lenetkit._ink.rulings.py.",
    ]


def _digit() -> list[str]:
    return [
        "Pieces: groups of possible ink whose pixels touch, corners included. A piece without a pixel above "
        f"level({pieces._SURE}) is none.",
        "Remains of light, of the paper's edges and blurred things are left out by their outline; on a clean scan or "
        "a drawing nothing is. See lenetkit/_ink/pieces.py.",
        "The main piece is the one with the greatest area among those whose longer side is at least max(4, "
        f"{pieces._SPECK} of the picture's).",
        "To it belong, three times over, the pieces near the box around what is chosen, lengths in fractions of the "
        f"main piece's longer side and areas of its area: longer than {pieces._STROKE_LENGTH} stroke widths with area "
        f">= {pieces._STROKE_AREA} and gap <= {pieces._STROKE_GAP}; or area >= {pieces._PART_AREA} and gap <= "
        f"{pieces._PART_GAP}; or area >= {pieces._TWIN_AREA} and longer side >= {pieces._TWIN_SIZE}. Stroke width = 2 "
        "area / outline pixels.",
    ]


def _full_ink() -> list[str]:
    return [
        f"full = the smallest level that at least {digit._FULL_INK} of the digit's pixels do not exceed; gain = "
        f"clip(longer side of its box / {digit.BOX}, 1, {digit._SHARPEST}).",
        "Each pixel of the digit and its 8 neighbours: r = (map - paper) / max(full - paper, 1); 255 * clip(0.5 + (r "
        "- 0.5) * gain, 0, 1), rounded. All others are 0.",
    ]


def _cut_out() -> list[str]:
    return [
        f"Levels / 255. A picture of at most {2 * digit.BOX} pixels a side gets a margin of {digit._SMALL_MARGIN} "
        "zeros.",
        f"Of a larger one the box around the digit, scaled by min(1, {digit._FINE} / longer side), is laid in "
        f"{digit._FINE} x {digit._FINE} pixels with a margin of {digit._MARGIN} zeros.",
        "Scale a length l to w pixels: it lies in the middle of ceil(w) pixels; each of them has the mean of what it "
        "covers, by area; when enlarging (w > l) linear interpolation at its middle.",
    ]


def _stroke() -> list[str]:
    return [
        "A = sum of the levels; L = sum of sqrt((below - here)^2 + (right - here)^2); width = 2 A / L. side = longer "
        f"side of the box around levels above {digit._INK}.",
        f"wanted = clip(width * {digit.BOX} / side, {digit._THINNEST}, {digit._WIDEST}); radius = (wanted * side / "
        f"{digit.BOX} - width) / (2 (1 - wanted / {digit.BOX})).",
        f"If |radius| > {digit._LEAST_RADIUS}: for step = 0, 1, ... below |radius| replace each level x by x + (e - "
        "x) * min(|radius| - step, 1), e = the maximum (radius < 0: minimum) of the pixel and its 4 neighbours, in "
        "odd steps its 8 neighbours.",
        f"All this is done at most {digit._PASSES} times.",
    ]


def _box() -> list[str]:
    return [
        f"The box around levels above {digit._INK} is scaled so that its longer side is {digit.BOX} pixels, into the "
        f"top left corner of {digit.BOX} x {digit.BOX}.",
        f"n = number of levels above 0.5 / 255; white = the level of rank n // {digit._WHITE_PART} from the top, "
        "counted from 0; 255 * clip(level / max(white, 0.001), 0, 1), rounded, halves to even.",
    ]


def _centre() -> list[str]:
    return [
        f"Into {digit.SIDE} x {digit.SIDE} zeros, d rows down: d = floor(15 - b), b = sum((i + 0.5) * mass of row "
        f"i) / sum(mass), clipped to 0 ... {digit.SIDE} - used rows; columns likewise. A picture without ink is all "
        "0.",
    ]

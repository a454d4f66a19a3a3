"""Forms of digits in more hands than any school teaches: those of the style ``"varied"``.

Out: for each form its weight among the forms of its digit, its path as in the module of allographs, and its source.
Next: the allographs.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["HANDS", "Form"]


class Form(NamedTuple):
    """One form of the varied hands."""

    weight: float  # in proportion to the digit's other forms
    path: str
    source: str  # the school that teaches it, or the kind of writing in which it was seen


# The control points are lenetkit's own, set by eye for each kind and traced from no picture.
# tests/synthesis/test_hands.py holds that each has the shape which its name and source say.
HANDS: Mapping[str, Form] = {
    "0-half-high": Form(
        0.6, "30 44, 10 54, 4 78, 20 100, 46 97, 58 76, 50 52, 30 43", "amounts: small zeros after a tall digit"
    ),
    "0-tailed": Form(
        1.0,
        "42 4, 16 10, 3 48, 10 88, 36 100, 60 84, 66 46, 52 10, 34 8, 46 20, 82 12",
        "amounts: zeros that run on into the next one",
    ),
    "0-slashed": Form(
        0.3,
        "38 0, 14 12, 2 46, 8 82, 32 100, 56 86, 66 50, 58 14, 36 1; 74 -6, 34 52, -6 106",
        "telegraphists and engineers, who tell it from the letter O",
    ),
    "0-gap": Form(
        0.7, "46 14, 30 0, 8 18, 2 56, 12 92, 36 100, 58 82, 68 46, 66 16", "hurried hands that do not close it"
    ),
    "0-arched": Form(
        0.8,
        "-16 10, 14 -2, 46 3, 18 10, 3 46, 10 88, 34 100, 58 84, 66 46, 54 10, 40 0, 60 10, 88 0",
        "cursive rows: joining strokes arch over its top",
    ),
    "0-threaded": Form(
        0.6,
        "46 5, 18 8, 3 48, 12 90, 36 100, 60 82, 66 42, 48 10, 24 10, 22 32, 52 32, 92 18",
        "cursive rows: the last stroke turns through the top, like a written o",
    ),
    "0-narrow": Form(
        0.6,
        "30 0, 12 22, 6 60, 18 98, 34 96, 44 62, 44 24, 32 2",
        "hurried hands: hardly wider than a 1",
    ),
    "1-tall-tent": Form(
        1.0, "-8 114, 20 64, 50 -4 | 54 48, 58 103", "continental amounts: the upstroke starts under the line"
    ),
    "1-swung": Form(0.6, "46 0, 44 34, 43 70, 48 97, 62 99, 76 84", "joined hands that run on to the next digit"),
    "1-steep": Form(
        0.7,
        "60 -2, 48 34, 36 70, 26 102",
        "amounts: rows of steep parallel strokes",
    ),
    "1-hat": Form(
        0.8,
        "-18 62, 14 36, 50 0 | 48 50, 44 104",
        "continental amounts: the upstroke is as long as half of the stem",
    ),
    "1-looped": Form(
        0.8,
        "-16 58, 10 46, 38 16, 40 0, 31 0, 28 14, 28 54, 30 104",
        "continental amounts: the upstroke turns into the stem through a thin loop",
    ),
    "1-crossed-top": Form(
        0.6,
        "-14 56, 8 44, 34 8, 42 -6 | 40 -4, 38 50, 36 104",
        "continental amounts: a waved upstroke meets the stem's top from below",
    ),
    "2-hooked": Form(
        1.2,
        "30 30, 14 34, 5 19, 22 2, 50 3, 62 24, 46 56, 8 98 | 40 95, 78 97",
        "amounts: the start curls into the head, which makes it look like a 9",
    ),
    "2-zed": Form(0.8, "6 8, 34 4, 64 5 | 34 50, 4 98 | 38 95, 76 97", "hurried hands: three straight strokes"),
    "2-swash": Form(
        0.7,
        "10 24, 22 4, 46 2, 58 18, 46 52, 18 82, 2 94, 8 80, 36 92, 66 105, 98 94",
        "clerks of the nineteenth century: the foot swings out like a letter Q's",
    ),
    "2-closed-head": Form(
        1.0,
        "54 32, 26 42, 6 32, 8 10, 30 -1, 54 8, 57 30, 40 64, 4 98 | 38 95, 80 97",
        "amounts: the head is a large closed loop",
    ),
    "2-cue": Form(
        0.9,
        "57 28, 26 38, 4 24, 14 3, 44 0, 60 20, 50 56, 22 90, 4 100, -4 88, 12 80, 44 92, 86 100",
        "clerks: like a letter Q, with a loop above and a loop below",
    ),
    "2-ribbon": Form(
        1.0,
        "34 44, 14 34, 22 8, 50 -2, 64 14, 50 52, 18 92, -6 104, -12 94, 8 84, 34 94, 66 98",
        "South American cheques: a wide head, a thin loop at the foot, like a ribbon",
    ),
    "2-pound": Form(
        0.9,
        "22 46, 6 34, 14 8, 40 -2, 56 14, 46 46, 26 74, 0 98, -8 92, 6 84, 30 94, 58 102, 84 92",
        "South American cheques: like the sign of a pound, with a small loop at the foot",
    ),
    "2-ell": Form(
        0.7,
        "24 40, 14 24, 26 4, 44 -2, 48 12, 38 44, 14 82, -8 104 | 16 92, 50 100",
        "South American cheques: a narrow steep head and a short foot",
    ),
    "3-tailed": Form(
        0.8,
        "10 10, 34 0, 56 12, 48 34, 26 44 | 54 50, 62 76, 42 108, 6 122, -8 108",
        "parish registers: the lower bow hangs under the line",
    ),
    "3-angular": Form(
        0.7, "4 4, 32 3, 60 2 | 42 22, 24 42 | 46 52, 62 68 | 44 90, 0 100", "hurried hands: straight strokes, no bow"
    ),
    "3-flat-hooked": Form(
        0.7,
        "4 14, 6 3 | 34 5, 64 2 | 26 40 | 54 44, 66 68, 54 100, 26 108, 2 94",
        "continental schools: a flat top as a 7 has",
    ),
    "3-zed": Form(
        0.7,
        "8 8, 34 0, 58 8, 42 34, 22 50 | 50 56, 54 78, 30 100, -6 104",
        "hurried hands: hardly a waist, like a letter z",
    ),
    "3-shallow": Form(
        0.6,
        "14 6, 36 0, 52 14, 46 36, 36 48, 50 62, 52 82, 34 100, 8 98",
        "hurried hands: shallow bows, like a bent stroke",
    ),
    "4-looped": Form(
        1.0,
        "32 0, 20 26, 3 58, 6 74, 22 74, 26 60, 14 50, 4 54 | 44 55, 80 51; 60 20, 56 60, 50 104",
        "joined hands: a loop at the corner instead of an angle",
    ),
    "4-phi-low": Form(
        1.0,
        "2 -4, 4 36, 14 66, 40 70, 62 52, 60 34, 42 32, 33 54, 29 82, 32 108",
        "continental amounts: one stroke, a tall open stem and a loop up to 0.7 of its height",
    ),
    "4-y": Form(0.8, "6 6, 12 38, 32 46, 54 36, 64 2 | 48 60, 24 108", "hurried hands: one stroke, like a letter y"),
    "4-lightning": Form(
        1.0,
        "24 0, 14 34, 4 64 | 38 62, 72 58; 44 38, 40 72, 35 106",
        "continental amounts: a short stem through a low bar",
    ),
    "4-bar-first": Form(
        0.7, "80 60, 42 63, 2 65 | 28 34, 54 0 | 53 50, 48 104", "hurried hands: one stroke from the bar's right end"
    ),
    "4-aitch": Form(
        0.9,
        "12 -4, 8 36, 4 66 | 22 52, 50 48, 62 64, 56 108",
        "amounts: one stroke, like a letter h",
    ),
    "4-chair": Form(
        0.8,
        "12 0, 6 34, 2 58 | 34 58, 60 54 | 55 82, 50 108",
        "hurried hands: one stroke of three straight parts, like a chair",
    ),
    "4-ell": Form(
        0.8,
        "10 2, 5 34, 0 66 | 36 66, 76 62; 42 36, 39 66, 34 100",
        "amounts: an L, and a short stroke through its foot",
    ),
    "4-curl": Form(
        0.8,
        "18 0, 10 34, 6 60, 26 64, 50 48, 62 24, 54 16, 45 34, 40 70, 36 108",
        "joined hands: a small loop at the top of the stem",
    ),
    "5-root": Form(
        1.2,
        "0 54, 10 48, 22 100 | 34 50, 46 3 | 70 2, 104 -3",
        "South American cheques: a V with a flag, like the sign of a square root",
    ),
    "5-pointed": Form(
        0.8,
        "18 6, 12 44 | 36 49, 58 58 | 42 82, 14 102; 18 6, 44 4, 80 -2",
        "hurried hands: the bow is an angle",
    ),
    "5-flag-apart": Form(
        0.8,
        "30 16, 18 44 | 36 42, 46 62, 32 92, 10 104, 0 94, 12 84; 54 16, 66 4, 74 10",
        "parish registers: a small bow, and its flag a spot far to the right",
    ),
    "5-dee": Form(
        0.6,
        "44 6, 26 42 | 42 46, 44 74, 20 102, 6 92, 16 70, 42 48; 62 16, 72 4",
        "parish registers: the bow closes like a letter d's, the flag apart",
    ),
    "5-steep": Form(
        0.7,
        "34 4, 22 40 | 40 44, 46 70, 26 102, 2 98; 34 4, 48 0, 72 -6",
        "parish registers: narrow and steep, a small bow and a short flag",
    ),
    "5-tailed": Form(
        0.8,
        "20 6, 14 42 | 40 40, 60 64, 44 104, 8 120, -6 108; 20 6, 46 4, 78 -1",
        "parish registers: the bow hangs under the line",
    ),
    "5-check": Form(
        0.8,
        "0 56, 10 50, 22 100 | 34 54, 44 14; 56 2, 80 -3, 106 -5",
        "South American cheques: a V, its bar apart",
    ),
    "5-bare-check": Form(
        0.35,
        "-2 54, 10 48, 22 101 | 36 50, 54 2, 62 -4",
        "South American cheques: a V that has lost its bar",
    ),
    "5-ess": Form(
        0.9,
        "64 4, 40 -1, 18 12, 22 36, 46 52, 58 74, 40 98, 2 98",
        "hurried hands: one stroke, like a letter S",
    ),
    "5-lightning": Form(
        0.6,
        "64 0, 22 6 | 12 46 | 52 50 | 40 84, 4 104",
        "hurried hands: straight strokes",
    ),
    "6-flat-topped": Form(
        1.0,
        "72 3, 48 4, 24 5 | 6 56, 10 92, 32 100, 54 86, 52 64, 34 56, 8 72",
        "hurried hands: it begins with a bar, as a 5 does",
    ),
    "6-small-bowl": Form(
        1.0, "48 -10, 22 32, 4 80, 14 100, 34 97, 42 82, 28 70, 5 84", "amounts: a long straight stem, a small bowl"
    ),
    "6-upright": Form(0.8, "18 -2, 11 44, 6 88, 26 101, 52 90, 54 66, 34 54, 9 70", "school hands: like a letter b"),
    "6-tiny-bowl": Form(
        0.8,
        "44 -6, 20 36, 5 80, 12 99, 28 100, 38 89, 28 77, 6 86",
        "amounts: a long stem, a very small bowl",
    ),
    "7-plus": Form(
        1.2,
        "26 14, 44 5 | 41 52, 35 106; -2 50, 40 47, 84 43",
        "South American cheques: hardly a bar above, a wide one through the stem, like a plus sign",
    ),
    "7-small-plus": Form(
        0.9,
        "40 24, 35 58, 29 92; -4 58, 36 55, 78 51",
        "South American cheques: a plus sign and nothing else, smaller than the other digits",
    ),
    "7-dagger": Form(
        0.7,
        "42 0, 36 48, 28 104; 6 44, 40 41, 76 37",
        "South American cheques: a long stem and a bar through it, no top",
    ),
    "7-tick": Form(
        0.7,
        "6 22, 14 8, 26 14, 40 6, 54 0 | 36 52, 20 106",
        "parish registers: a small wave above a steep stem",
    ),
    "7-eyed": Form(
        0.7,
        "8 32, 16 12, 6 4, 2 14, 20 14, 44 6, 64 2 | 48 50, 34 104",
        "parish registers: the bar begins with an eye",
    ),
    "7-wave-apart": Form(
        0.5,
        "2 32, 10 18, 18 28, 28 16; 62 -4, 40 50, 16 106",
        "parish registers: the stem stands apart from its wave",
    ),
    "7-crossed-low": Form(
        0.8, "4 8, 36 6, 68 4 | 48 48, 30 102; 12 69, 40 65, 70 61", "continental schools, the bar low"
    ),
    "7-bowed": Form(
        0.7,
        "2 18, 10 4, 38 9, 70 1 | 38 34, 30 70, 42 105; 6 54, 36 51, 68 47",
        "continental hands: a waved bar and a bent stem, crossed",
    ),
    "7-hook-tailed": Form(
        0.6, "4 8, 36 6, 68 4 | 56 44, 42 84, 22 105, 2 95", "parish registers: the stem ends in a hook to the left"
    ),
    "7-tee": Form(
        1.0,
        "26 8, 42 0 | 38 50, 34 104; -8 40, 38 36, 90 30",
        "South American cheques: a long bar and hardly a top, like a letter t",
    ),
    "7-crossed-wave": Form(
        0.8,
        "4 10, 34 5, 68 2 | 46 50, 28 104; 2 60, 20 48, 40 55, 58 60, 78 46",
        "continental hands: the bar through the stem is a wave",
    ),
    "7-narrow-crossed": Form(
        0.7,
        "16 12, 34 6, 54 2 | 42 50, 34 106; 8 52, 38 48, 70 46",
        "amounts: a short top and a bar of the same length",
    ),
    "8-slim": Form(
        0.8,
        "42 6, 30 -2, 20 14, 26 36, 34 56, 30 82, 16 102, 6 90, 12 68, 28 46, 44 22, 41 4",
        "parish registers: narrow and steep",
    ),
    "8-ribbon": Form(
        1.2,
        "62 -2, 42 32, 18 66, 10 88, 26 101, 44 88, 42 66, 22 34, 4 4",
        "amounts: both strokes cross once and stay open above, like a ribbon",
    ),
    "8-ribbon-foot": Form(
        0.4, "2 103, 24 66, 48 30, 46 8, 30 0, 14 10, 18 34, 42 66, 66 101", "amounts: the ribbon open below"
    ),
    "8-tiny-head": Form(
        0.7,
        "42 12, 31 0, 20 12, 27 28, 50 50, 58 78, 34 100, 8 84, 10 60, 30 38, 42 22, 38 3",
        "hurried hands: one tiny loop above",
    ),
    "8-tiny-foot": Form(
        0.6,
        "54 14, 32 0, 8 18, 14 44, 36 64, 46 84, 32 100, 19 88, 28 70, 50 48, 60 24, 44 3",
        "hurried hands: one tiny loop below",
    ),
    "8-two-strokes": Form(
        0.8,
        "4 4, 24 38, 50 72, 46 98, 24 101; 66 -4, 40 36, 10 80, 24 101",
        "amounts: two strokes that cross, open above",
    ),
    "8-wide-ribbon": Form(
        0.8,
        "76 -4, 48 32, 16 66, 4 90, 22 102, 40 90, 36 66, 20 34, -2 6",
        "amounts: a wide open ribbon",
    ),
    "9-p": Form(
        1.0,
        "18 106, 20 56, 22 6 | 48 -3, 66 16, 54 38, 18 48",
        "South American cheques: the bowl right of the stem, like a letter P",
    ),
    "9-ribbon": Form(
        0.8,
        "2 50, 36 38, 58 14, 46 0, 28 8, 20 40, 16 106",
        "South American cheques: a loop that its own stem crosses, like a written l",
    ),
    "9-small-head": Form(
        1.2,
        "46 14, 34 2, 18 10, 18 28, 34 34, 48 20, 49 7 | 47 60, 43 108",
        "amounts: a small round head, a long straight tail",
    ),
    "9-small-head-hooked": Form(
        1.0,
        "46 14, 34 2, 18 10, 18 28, 34 34, 48 20, 49 7 | 49 64, 47 118 | 28 112, 10 102",
        "amounts: as before, the tail ends in an angular hook",
    ),
    "9-g": Form(
        0.8,
        "50 14, 34 0, 10 10, 8 32, 26 42, 48 28, 53 6 | 55 66, 46 110, 20 118, 14 100, 36 88, 74 78",
        "joined hands: the tail is a loop, like a letter g's",
    ),
    "9-ell": Form(
        0.7,
        "8 58, 32 42, 48 10, 42 -4, 30 6, 24 50, 20 106",
        "South American cheques: a thin loop, like a written l",
    ),
    "9-open-p": Form(
        0.8,
        "20 106, 22 54, 26 4; 10 8, 42 -3, 62 14, 54 36, 36 44",
        "South American cheques: like a letter P with an open bowl",
    ),
    "9-thin": Form(
        0.7,
        "42 8, 32 0, 20 14, 18 34, 28 42, 40 24, 44 4 | 42 60, 36 108",
        "hurried hands: a narrow bowl",
    ),
    "9-unclosed": Form(
        0.6,
        "38 2, 18 2, 4 20, 12 42, 34 36, 50 -4 | 47 54, 40 106",
        "hurried hands: the bowl stays open above",
    ),
}

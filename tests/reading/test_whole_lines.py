"""Numbers read by the network for whole lines: signs, groups, what is known beforehand, and when it declines."""

import itertools
from typing import Any

import attrs
import numpy as np
import pytest
from tests.reading.line_answers import answer_for

from lenetkit import Pipeline
from lenetkit.bundle import SavedLineReader, read_bundle
from lenetkit.exceptions import BundleError, DataError, SettingError
from lenetkit.pretrained import get_path
from lenetkit.reading import LineReader, Reading, read_number, read_numbers
from lenetkit.reading._assembly import assemble, select_numbers
from lenetkit.reading._certainty import LineCalibration
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineAnswer, answer_lines, see_otherwise
from lenetkit.reading._line_decoding import decode
from lenetkit.runtime import SweptPredictor
from lenetkit.synthesis import DrawnLine, LineSettings, draw_line, draw_number, draw_paper

CLEAN = LineSettings(
    height=None,
    styles="american",
    digit_height=(40, 60),
    touching=0,
    uncommon=0,
    linked_zeros=0,
    joined=0,
    raised=0,
    lettered=0,
    printed=0,
    crossed=0,
    boxed=0,
    framed=0,
    ruled=0,
    underlined=0,
    starred=0,
    patterned=0,
    stained=0,
    bordered=0,
    neighboured=0,
    small_zeros=0,
    spacing=(0.1, 0.25),
    paper=(0.9, 1.0),
    ink=(0.05, 0.2),
    blur=(0, 0.3),
    noise=(0, 2),
    margin=(0.3, 0.6),
    side_margin=(0.4, 1.0),
)
LABELS = {str(digit): digit for digit in range(10)}


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    return Pipeline.pretrained()


@pytest.fixture(scope="module")
def line_reader() -> LineReader:
    return LineReader.from_saved(saved_reader())


def saved_reader() -> SavedLineReader:
    found = read_bundle(get_path("digits")).line_reader
    assert found is not None
    return found


def clean(text: str, seed: int) -> DrawnLine:
    return draw_line(text, settings=CLEAN, seed=seed)


def put_together(text: str, **known: Any) -> Reading:
    """Return the reading of a line of which the network is sure."""
    lines = known.pop("lines", None)
    answers = [
        LineAnswer(log_probabilities=answer_for(part), find_box=lambda first, last: (int(first), 0, int(last) + 1, 9))
        for part in text.split("\n")
    ]
    return assembled(answers, Knowledge(**known), lines)


def assembled(answers: list[LineAnswer], knowledge: Knowledge, lines: int | None) -> Reading:
    numbers = select_numbers(answers, knowledge, None, lines)
    return assemble(np.zeros((10, 90), np.uint8), numbers, LABELS, knowledge)


@pytest.mark.parametrize(
    ("raw", "text", "groups", "doubts"),
    [
        ("1947", "1947", ("1947",), "1947"),
        ("12.50", "1250", ("12", "50"), "12?50"),
        ("27/11/2026", "27112026", ("27", "11", "2026"), "27?11?2026"),
        ("-3", "3", ("3",), "?3"),
        ("1 153 25", "115325", ("1", "153", "25"), "115325"),
        ("120.-", "120", ("120",), "120??"),
        ("7:45\n3", "745\n3", ("7", "45", "3"), "7?45\n3"),
    ],
)
def test_signs_and_gaps_are_told_apart(raw: str, text: str, groups: tuple[str, ...], doubts: str) -> None:
    reading = put_together(raw)
    assert (reading.raw, reading.text, reading.groups) == (raw, text, groups)
    assert reading.text_with_doubts == doubts
    assert len(reading.digits) == len(text.replace("\n", ""))
    assert {place.reason for place in reading.left_out} == {f"the sign {sign}" for sign in raw if sign in ".,-/:"}
    plain = reading.to_dict()
    assert (plain["raw"], plain["groups"], plain["rejected"], plain["reason"]) == (raw, list(groups), False, "")


def test_signs_are_read_in_pictures(pipe: Pipeline) -> None:
    wanted = ["12.50", "27/11/2026", "4 815 16", "1947", "23-42", "7,5", "12:45"]
    read = [pipe.read_number(clean(text, seed).image).raw for text in wanted for seed in range(4)]
    right = sum(found == text for found, text in zip(read, [text for text in wanted for _ in range(4)], strict=True))
    assert right >= 23, list(zip(read, [text for text in wanted for _ in range(4)], strict=True))


def test_boxes_lie_on_the_digits(pipe: Pipeline) -> None:
    near, total = 0, 0
    for seed in range(12):
        line = clean("902 718", seed)
        reading = pipe.read_number(line.image)
        if reading.text != line.text:
            continue
        for digit, box in zip(reading.digits, line.boxes.tolist(), strict=True):
            wide, high = box[2] - box[0], box[3] - box[1]
            total += 1
            near += (
                abs((digit.box[0] + digit.box[2]) / 2 - (box[0] + box[2]) / 2) <= 0.4 * max(wide, 10)
                and abs((digit.box[1] + digit.box[3]) / 2 - (box[1] + box[3]) / 2) <= 0.3 * high
            )
    assert total >= 60
    assert near >= 0.95 * total


@pytest.mark.parametrize(
    ("sure", "places", "score", "text"),
    [
        (0.8, 4, 1.0, "57"),
        (0.8, 2, 1.0, "57\n22"),
        (0.99, 4, 1.0, "57\n22"),
        (0.95, 4, 0.4, "57"),
        (0.95, 4, 0.9, "57\n22"),
        (0.95, 2, 0.4, "57\n22"),
        (0.999, 4, 0.4, "57\n22"),
    ],
)
def test_a_doubtful_line_with_letters_stands_beside_the_number(
    sure: float, places: int, score: float, text: str
) -> None:
    """As a date under the number of a row: ink without a character is no digit's; smaller writing is a note."""
    answers = [
        LineAnswer(
            log_probabilities=answer_for(part, sure=probability),
            find_box=lambda first, last: (int(first), 0, int(last) + 1, 9),
            places=tuple((2.0 * index + 1, 2.0 * index + 2) for index in range(n_places)),
            score=size,
        )
        for part, probability, n_places, size in (("57", 0.99, 2, 1.0), ("22", sure, places, score))
    ]
    reading = assembled(answers, Knowledge(), None)
    assert reading.text == text
    assert [place.reason for place in reading.left_out] == ([] if "22" in text else ["22 beside the number"])


def test_a_long_line_is_no_bit_of_writing_because_one_digit_is_not_read() -> None:
    """Thirty digits are right together less probably than one by one."""
    answers = [
        LineAnswer(
            log_probabilities=answer_for(part, sure=0.97),
            find_box=lambda first, last: (int(first), 0, int(last) + 1, 9),
            places=tuple((2.0 * index + 1, 2.0 * index + 2) for index in range(len(part) + more)),
        )
        for part, more in (("57", 0), ("314159265358979323846264338327", 1))
    ]
    reading = assembled(answers, Knowledge(), None)
    assert reading.text == "57\n314159265358979323846264338327"
    assert reading.probability < 0.5


def test_a_certain_line_is_looked_at_once(pipe: Pipeline, line_reader: LineReader) -> None:
    """Any other also as the picture is, which takes as long again."""
    seen = []

    class Counting(SweptPredictor):
        def log_probabilities(self, line: np.ndarray) -> np.ndarray:
            seen.append(line.shape)
            return super().log_probabilities(line)

    saved = saved_reader()
    counting = attrs.evolve(line_reader, predictor=Counting(saved.tflite, pitch=saved.pitch))
    looks = []
    for seed in range(24):
        image = clean("4815", seed).image
        reading = read_number(image, pipe, line_reader=counting)
        looks.append((len(seen), reading.probability))
        seen.clear()
    assert {n for n, probability in looks if probability >= 0.9999} >= {1}
    assert all(n > 1 for n, probability in looks if probability < 0.9)


def test_what_is_known_is_searched_for(pipe: Pipeline) -> None:
    for seed in range(4):
        image = clean("4815", seed).image
        assert len(pipe.read_number(image, length=3).text) in (0, 3)
        assert len(pipe.read_number(image, length=(5, 6)).text) in (0, 5, 6)
        assert pipe.read_number(image, among=["4815", "4816"]).text == "4815"
        assert pipe.read_number(image, among=[4915, 4865], length=4).text in {"4915", "4865", ""}
        assert pipe.read_number(image, check=lambda digits: digits.endswith("5")).text.endswith("5")
    assert put_together("79927398713", check="luhn").text == "79927398713"
    assert put_together("79927398710", check="luhn").text != "79927398710"


def test_a_pattern_says_where_signs_stand() -> None:
    known = put_together("12.50", pattern="##.##")
    assert (known.raw, known.text) == ("12.50", "1250")
    assert put_together("1250", pattern="##.##").probability < 0.01
    assert put_together("12.50", pattern="####").text == "1250"


def test_lines_keep_the_most_probable() -> None:
    answers = [
        LineAnswer(log_probabilities=answer_for(text, sure=sure), find_box=lambda *_: (0, 0, 1, 1))
        for text, sure in (("11", 0.9), ("22", 0.99), ("33", 0.6), ("44", 0.98))
    ]
    reading = assembled(answers, Knowledge(), 2)
    assert reading.lines == ("22", "44")
    assert assembled(answers, Knowledge(), 9).lines == ("11", "22", "33", "44")


def test_alternatives_are_the_next_best() -> None:
    answer = LineAnswer(log_probabilities=answer_for("174", or_else={0: ("7", 0.3)}), find_box=lambda *_: (0, 0, 1, 1))
    reading = assembled([answer], Knowledge(), None)
    found = reading.alternatives(3)
    assert [text for text, _ in found[:2]] == ["174", "774"]
    assert found[0] == (reading.text, reading.probability)
    assert all(first[1] >= second[1] for first, second in itertools.pairwise(found))
    assert sum(probability for _, probability in found) <= 1 + 1e-9
    assert len(reading.alternatives(1)) == 1
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(SettingError, match="k must be"):
            reading.alternatives(wrong)  # type: ignore[arg-type]


def test_alternatives_of_several_lines_are_of_the_whole() -> None:
    reading = put_together("12\n34")
    assert reading.alternatives(3)[0][0] == "12\n34"
    assert all(text.count("\n") == 1 for text, _ in reading.alternatives(3))
    assert put_together("").alternatives(3) == [("", 1.0)]


def test_it_declines_rather_than_guess(pipe: Pipeline) -> None:
    sure = pipe.read_number(clean("1947", 3).image, reject=0.05)
    assert (sure.text, sure.rejected, sure.reason) == ("1947", False, "")
    nothing = pipe.read_number(np.full((60, 200), 255, np.uint8), reject=0.01)
    assert nothing.rejected
    assert nothing.reason == "there is no number in the picture."
    wrong = pipe.read_number(clean("1947", 3).image, among=[2047, 1837], reject=0.01)
    assert wrong.rejected
    assert "probability" in wrong.reason
    few = pipe.read_number(clean("1947", 3).image, lines=2, reject=0.05)
    assert few.rejected
    assert few.reason == "only 1 of 2 lines have a number."
    assert not pipe.read_number(clean("1947", 3).image).rejected  # nothing was asked


@pytest.mark.parametrize(
    "known",
    [
        {"length": 0},
        {"length": (5, 2)},
        {"length": 2.5},
        {"pattern": ""},
        {"pattern": "ab"},
        {"among": []},
        {"among": ["12a"]},
        {"check": "mod7"},
        {"lines": 0},
        {"lines": 1.5},
        {"reject": 0},
        {"reject": 2},
        {"length": 3, "pattern": "####"},
    ],
    ids=str,
)
def test_what_cannot_be_known_is_refused(pipe: Pipeline, known: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(known))):
        pipe.read_number(np.full((60, 200), 255, np.uint8), **known)
    with pytest.raises(SettingError, match=next(iter(known))):
        pipe.read_numbers([np.full((60, 200), 255, np.uint8)], **known)


def test_digit_by_digit_knows_as_much(pipe: Pipeline) -> None:
    number = draw_number("1947", seed=4)
    picture = number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines))
    read = [
        read_number(picture, pipe, length=4).text,
        read_number(picture, pipe, among=["1947", "1847"]).text,
        read_number(picture, pipe, pattern="####").text,
    ]
    assert read == ["1947"] * 3
    assert read_number(picture, pipe, among=[2026], reject=0.01).rejected
    assert read_number(picture, pipe, length=5, reject=0.01).rejected
    assert read_number(picture, pipe).alternatives(2)[0][0] == "1947"


def test_labels_that_are_no_digits_have_no_numbers_to_know() -> None:
    class Letters:
        classes_ = np.array([*"abcdefghij"])

        def predict_proba(self, images: Any) -> np.ndarray:
            return np.full((len(images), 10), 0.1, np.float32)

    with pytest.raises(SettingError, match="labels are the digits 0 to 9"):
        read_number(np.full((60, 200), 255, np.uint8), Letters(), length=4)
    assert read_number(np.full((60, 200), 255, np.uint8), Letters()).text == ""


def test_many_are_read_as_one_by_one(pipe: Pipeline) -> None:
    pictures = [clean(text, seed).image for seed, text in enumerate(["12", "3456", "7.8", "90"])]
    alone = [pipe.read_number(picture) for picture in pictures]
    for n_jobs in (None, 1, 3):
        together = pipe.read_numbers(pictures, n_jobs=n_jobs)
        assert [reading.to_dict() for reading in together] == [reading.to_dict() for reading in alone]
    among = (number for number in ("12", "3456", "78", "90"))  # used up after one pass
    assert [reading.text for reading in pipe.read_numbers(pictures, among=among)] == ["12", "3456", "78", "90"]
    assert pipe.read_numbers(iter(pictures))[1].text == "3456"


def test_many_name_every_one_that_cannot_be_read(pipe: Pipeline, tmp_path: Any) -> None:
    good = clean("12", 0).image
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"2 of 3 pictures cannot be read:\n.*broken\.png.*\n.*missing\.png"):
        pipe.read_numbers([good, tmp_path / "broken.png", tmp_path / "missing.png"])
    for wrong in (0, -1, 1.5):
        with pytest.raises(SettingError, match="n_jobs"):
            read_numbers([good], pipe, n_jobs=wrong)  # type: ignore[arg-type]


def test_strips_of_one_line_are_one_number(line_reader: LineReader) -> None:
    left, right = (clean(text, seed).image for seed, text in enumerate(["12", "34"]))
    height = max(left.shape[0], right.shape[0])
    page = np.full((height + 40, 700), 250, np.uint8)
    page[20 : 20 + left.shape[0], 20 : 20 + left.shape[1]] = left
    page[20 : 20 + right.shape[0], 450 : 450 + right.shape[1]] = right
    answers = answer_lines(page, line_reader)
    assert len(answers) == 1
    raw, _ = decode([answers[0].log_probabilities])
    assert raw in ("12 34", "1234")


def test_other_views_keep_the_line() -> None:
    line = clean("12.50", 1).image[:, :160]
    line = np.ascontiguousarray(line[:40]) if line.shape[0] >= 40 else np.pad(line, ((0, 40 - line.shape[0]), (0, 0)))
    assert np.array_equal(see_otherwise(line, 0.0, 1.0), line)
    assert see_otherwise(line, 0.15, 1.0).shape == line.shape
    assert see_otherwise(line, 0.0, 1.5).shape == (40, 240)
    bar = np.full((41, 81), 255, np.uint8)
    bar[:, 40] = 0
    leant = see_otherwise(bar, 0.5, 1.0)
    assert leant[0].argmin() > 40 > leant[40].argmin()
    assert leant[20].argmin() == 40


def test_a_reader_of_another_version_is_refused() -> None:
    saved = saved_reader()
    with pytest.raises(BundleError, match="of another version"):
        LineReader.from_saved(attrs.evolve(saved, weights=[1.0]))
    letters = attrs.evolve(saved, characters=saved.characters[::-1])
    with pytest.raises(BundleError, match="knows the characters"):
        LineReader.from_saved(letters)


def test_calibration_is_of_the_whole(pipe: Pipeline) -> None:
    readings = [pipe.read_number(clean("4815", seed).image) for seed in range(6)]
    assert all(0 <= reading.probability <= 1 for reading in readings)
    assert np.median([reading.probability for reading in readings]) > 0.9
    assert LineCalibration().constant == 0.0

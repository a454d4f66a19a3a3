"""Tests for the order of the pictures, and for decisions that are made, changed and taken back."""

from pathlib import Path

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.demo._labelling.answers import find_pictures, read_labels, read_numbers
from lenetkit.demo._labelling.doubt_queue import Answer, DoubtQueue
from lenetkit.demo._labelling.label_table import NOTHING, SKIPPED, Decision, LabelTable
from lenetkit.exceptions import DataError
from lenetkit.pipeline import Pipeline
from lenetkit.synthesis import draw_digits, draw_nondigits, draw_number

ANSWERS = {
    "sure.png": Answer(label="7", probability=0.99),
    "nothing.png": Answer(label="", probability=0.9),
    "doubtful.png": Answer(label="3", probability=0.4),
    "even.png": Answer(label="1", probability=0.4),
}
ORDER = ["nothing.png", "doubtful.png", "even.png", "sure.png"]


def open_queue(folder: Path) -> DoubtQueue:
    """Return a queue with a table in a folder, the pictures of which are there."""
    for name in ANSWERS:
        (folder / name).touch()
    return DoubtQueue(ANSWERS, LabelTable(folder / "t.csv", "label"))


def names(queue: DoubtQueue, count: int = 100) -> list[str]:
    """Return the names of the next pictures."""
    return [picture["name"] for picture in queue.find_next(count)]


def test_the_least_sure_comes_first(tmp_path: Path) -> None:
    """And what may be nothing at all before it."""
    queue = open_queue(tmp_path)
    assert names(queue) == ORDER
    assert names(queue, 2) == ORDER[:2]
    assert queue.find_next(2)[1] == {"name": "doubtful.png", "label": "3", "probability": 0.4, "others": ()}
    queue.update({"sure.png": Answer(label="1", probability=0.1)})
    assert names(queue) == ["nothing.png", "sure.png", "doubtful.png", "even.png"]
    assert queue.count_changed() == 1


def test_it_goes_on_where_one_stopped(tmp_path: Path) -> None:
    """With other pictures by then: what was decided about those that are gone stays in the table."""
    queue = open_queue(tmp_path)
    queue.decide({"nothing.png": Decision("", NOTHING), "even.png": Decision("2"), "doubtful.png": Decision("3")})
    (tmp_path / "doubtful.png").unlink()
    now = {**ANSWERS, "new.png": Answer(label="5", probability=0.2)}
    del now["doubtful.png"]
    again = DoubtQueue(now, LabelTable(tmp_path / "t.csv", "label"))
    assert names(again) == ["new.png", "sure.png"]
    expected = {"done": 2, "left": 2, "skipped": 0, "corrected": 1, "nothing": 1, "can_undo": False}
    assert again.count() == expected
    again.decide({"new.png": Decision("5")})
    assert "doubtful.png,3,no such picture" in (tmp_path / "t.csv").read_text()
    assert again.find_labels() == {"even.png": "2", "new.png": "5"}


def test_what_was_skipped_comes_again_when_it_is_asked_for(tmp_path: Path) -> None:
    """It is no label meanwhile."""
    queue = open_queue(tmp_path)
    queue.decide(dict.fromkeys(ORDER[:2], Decision("", SKIPPED)))
    assert names(queue) == ORDER[2:]
    assert (queue.count()["skipped"], queue.find_labels()) == (2, {})
    queue.ask_skipped_again()
    assert names(queue) == ORDER
    assert not queue.count()["can_undo"]


def test_a_picture_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """And nothing else of the same request is decided."""
    queue = open_queue(tmp_path)
    with pytest.raises(KeyError, match=r"other\.png"):
        queue.decide({"sure.png": Decision("7"), "other.png": Decision("1")})
    assert names(queue) == ORDER


STEPS = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(ORDER), st.sampled_from("0123456789"), min_size=1, max_size=3),
        st.just("undo"),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_each_undo_takes_the_last_decisions_back(tmp_path_factory: pytest.TempPathFactory, steps: list[object]) -> None:
    """In the table, too, whatever was decided before."""
    queue = open_queue(tmp_path_factory.mktemp("undo"))
    history: list[dict[str, str]] = [{}]
    for step in steps:
        if isinstance(step, dict):
            queue.decide({name: Decision(label) for name, label in step.items()})
            history.append({**history[-1], **step})
        else:
            undone = queue.undo()
            assert bool(undone) == (len(history) > 1)
            history = history[:-1] or [{}]
        assert queue.find_labels() == history[-1]
        kept = LabelTable(queue._table.path, "label").rows
        assert {name: row.label for name, row in kept.items()} == history[-1]
        assert queue.count()["can_undo"] == (len(history) > 1)


def test_pictures_are_found_and_read(tmp_path: Path) -> None:
    """In folders, too; what cannot be read is named, and the rest is answered as the library answers it."""
    images = [*draw_digits(3, styles="school", seed=3).images, draw_nondigits(1, seed=5).images[0]]
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    for place in ("b/c/1.png", ".hidden/2.png", ".3.png"):
        PIL.Image.fromarray(images[1]).save(tmp_path / place)
    for index in (0, 2, 3):
        PIL.Image.fromarray(images[index]).save(tmp_path / f"{index}.PNG")
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("7")
    (tmp_path / "lost.png").symlink_to("nowhere.png")
    found, others = find_pictures(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "0.PNG",
        "2.PNG",
        "3.PNG",
        "bad.jpg",
        "b/c/1.png",
    ]
    assert others == [f"{tmp_path / 'lost.png'} is left out: it is a link to nothing."]
    answers = dict(read_labels(Pipeline.pretrained(), {path.name: path for path in found}))
    assert isinstance(answers["bad.jpg"], DataError)
    assert [answers[f"{index}.PNG"].label for index in (0, 2)] == ["0", "2"]
    assert answers["1.png"].label == "1"
    (expected,) = Pipeline.pretrained().predict([images[3]], reject=1)
    assert (answers["3.PNG"].label == "", answers["3.PNG"].probability) == (expected.rejected, expected.probability)


def test_one_damaged_batch_costs_no_other_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that can be read and not answered is named; the others of its batch are answered one by one."""
    for index, image in enumerate(draw_digits(4, styles="school", seed=3).images):
        PIL.Image.fromarray(image).save(tmp_path / f"{index}.png")
    pipeline = Pipeline.pretrained()
    predict = pipeline.predict_proba

    def refuse_two(images: list[object]) -> object:
        if any((image == third).all() for image in images):
            raise DataError("images[2] takes more work than its budget.")
        return predict(images)

    third = draw_digits(4, styles="school", seed=3).images[2]
    monkeypatch.setattr(pipeline, "predict_proba", refuse_two)
    found = dict(read_labels(pipeline, {path.name: path for path in find_pictures(tmp_path)[0]}))
    assert [found[f"{index}.png"].label for index in (0, 1, 3)] == ["0", "1", "3"]
    assert isinstance(found["2.png"], DataError)


def test_numbers_are_read_as_one_text(tmp_path: Path) -> None:
    """And a file that is no picture stops none of them."""
    for index, text in enumerate(("1947", "2026")):
        PIL.Image.fromarray(draw_number(text, seed=4).image).save(tmp_path / f"{index}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    found = dict(read_numbers(Pipeline.pretrained(), {path.name: path for path in find_pictures(tmp_path)[0]}))
    assert [found[f"{index}.png"].label for index in range(2)] == ["1947", "2026"]
    assert isinstance(found["bad.png"], DataError)

"""What looks wrong with a data set: each doubt where there is reason for it, none with MNIST."""

import attrs
import numpy as np
import pytest

from lenetkit.cli import main
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.synthesis import draw_digits


@pytest.fixture(scope="module")
def digits():
    """Drawn digits, which belong to nobody: upright, bright on black."""
    return draw_digits(400, seed=3)


def doubts(images, labels, names=tuple("0123456789")):
    facts = Dataset(images=images, labels=labels, class_names=names).describe()
    return facts["doubt"].to_dict() if "doubt" in facts.index.get_level_values(0) else {}


def test_upright_digits_are_not_doubted(digits, shared_data):
    """Drawn ones, MNIST's and USPS's."""
    assert doubts(digits.images, digits.labels) == {}
    test = load_dataset(shared_data / "mnist", subset="test")
    assert doubts(test.images, test.labels) == {}
    usps = load_dataset(shared_data / "usps" / "usps-train.npz")
    assert set(doubts(usps.images, usps.labels)) <= {"duplicates"}


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (lambda x: x.transpose(0, 2, 1), "lying on their side"),
        (lambda x: np.rot90(x, 1, (1, 2)), "90 degrees to the left"),
        (lambda x: np.rot90(x, -1, (1, 2)), "90 degrees to the right"),
        (lambda x: np.rot90(x, 2, (1, 2)), "upside down"),
        (lambda x: x[:, :, ::-1], "mirrored left to right"),
        (lambda x: x[:, ::-1], "mirrored top to bottom"),
    ],
)
@pytest.mark.parametrize("inverted", [False, True], ids=["bright", "dark"])
def test_turned_digits_are_noticed(turn, message, inverted, digits):
    """As EMNIST lies in its files, and every other way; whatever the polarity."""
    images = turn(digits.images)
    found = doubts(255 - images if inverted else images, digits.labels)
    assert message in found["orientation"]
    assert ("polarity" in found) == inverted


def test_ranges_and_papers_are_noticed(digits):
    """0..16 that nobody spread, dark ink, and -1..1 brought to 0..255."""
    assert "lie in 0..15 only" in doubts(digits.images // 16, digits.labels)["range"]
    assert "paper is bright (255" in doubts(255 - digits.images, digits.labels)["polarity"]
    assert "paper is grey (127" in doubts(127 + digits.images // 2, digits.labels)["polarity"]


def test_classes_and_duplicates_are_noticed(digits):
    """Labels from 1, one class alone, a missing class, the same image again."""
    images, labels = digits.images, digits.labels
    few = labels < 5
    assert "start at 1 and end at 5" in doubts(images[few], labels[few] + 1)["classes"]
    assert "all 40 images are of one class" in doubts(images[labels == 7], labels[labels == 7])["classes"]
    assert "no images of 3." in doubts(images[labels != 3], labels[labels != 3])["classes"]
    again = np.concatenate([images, images[:7]])
    found = doubts(again, np.concatenate([labels, labels[:5], (labels[5:7] + 1) % 10]))["duplicates"]
    assert "7 of 407 images are there before" in found
    assert "2 of them with another label" in found


def test_digits_of_another_script_are_not_called_turned():
    """Ten lying bars resemble upright digits more when they are turned, but not enough to be digits."""
    bars = np.zeros((200, 28, 28), np.uint8)
    labels = np.arange(200) % 10
    for image, label in zip(bars, labels, strict=True):
        image[4 : 8 + label // 4, 4:24] = 255
        image[8:24, 4 + label : 6 + label] = 200
    assert "orientation" not in doubts(bars.transpose(0, 2, 1), labels)


def test_letters_are_not_compared_with_digits(digits):
    """Nor are too few digits."""
    names = np.array(list("ABCDEFGHIJ"))[digits.labels]
    turned = digits.images.transpose(0, 2, 1)
    assert "orientation" not in doubts(turned, names, tuple("ABCDEFGHIJ"))
    assert "orientation" not in doubts(turned[:20], digits.labels[:20])


def test_an_empty_data_set_is_described():
    """Without doubts."""
    assert doubts(np.zeros((0, 8, 8), np.uint8), np.zeros(0, int)) == {}


def run(capfd, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code, *capfd.readouterr()


def test_the_command_prints_what_looks_wrong(digits, tmp_path, capfd):
    """Exit code 1, with the parts by name and what is in both."""
    path = digits.save(tmp_path / "good.npz")
    assert run(capfd, "datasets", "--check", path) == (
        0,
        f"{attrs.evolve(digits, name='good')!r}\nnothing looks wrong\n",
        "",
    )
    lying = digits.images.transpose(0, 2, 1)
    both = {
        "x_train": lying[:300],
        "y_train": digits.labels[:300],
        "x_test": lying[280:],
        "y_test": digits.labels[280:],
    }
    np.savez(tmp_path / "bad.npz", **both)
    code, out, _ = run(capfd, "datasets", "--check", tmp_path / "bad.npz")
    assert code == 1
    assert "train, orientation: the digits seem to be lying on their side" in out
    assert "duplicates: 20 of the 120 images of the test part are in the training part" in out


def test_the_command_shows_a_record(capfd):
    """Of one name; a pattern lists."""
    code, out, _ = run(capfd, "datasets", "mnist")
    assert code == 0
    assert "description: 70,000 handwritten digits" in out
    assert "citation:    Y. LeCun" in out
    assert "name  " in run(capfd, "datasets", "mni*")[1]

"""A thread that learns from the decisions while one goes on.

In: the pipeline as it was loaded, and the labels so far. Out: a pipeline that has learnt them, in a file, and the
pictures read by it. Next: the page tells how many are read otherwise, and asks in the new order.
"""

import copy
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetkit._utils.system import describe_system_error
from lenetkit.demo._labelling.answers import read_labels
from lenetkit.demo._labelling.doubt_queue import Answer, DoubtQueue
from lenetkit.exceptions import LenetkitError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["Lessons"]

# So many new labels, and of many labels such a part, are worth a lesson, which takes a second for 50 examples; adapting
# needs three.
_EVERY, _PART, _FEWEST = 10, 0.1, 3
# Examples a class: more cost time, and change little.
_MOST = 300

_logger = logging.getLogger("lenetkit.demo")


class Lessons:
    """Adaptation in a thread of its own, as a context manager; the last lesson is given when it ends.

    Each lesson begins with the pipeline as it was loaded, and has all labels: what was corrected twice counts once.

    Parameters
    ----------
    pipeline : Pipeline
        It stays as it is.
    queue : DoubtQueue
        It has the labels, and takes the new answers.
    pictures : mapping from str to Path
        The files by their names in the queue.
    output : str
        The file to write after each accepted lesson.
    """

    def __init__(self, pipeline: "Pipeline", queue: DoubtQueue, pictures: Mapping[str, Path], output: str) -> None:
        self._pipeline, self._queue, self._pictures, self._output = pipeline, queue, pictures, output
        self._classes = {str(label): label for label in pipeline.classes_.tolist()}
        self._last: dict[str, str] = {}
        self._news = threading.Event()
        self._news.set()  # of an earlier time
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="lenetkit-lessons", daemon=True)
        self.is_learning = False
        self.told = ""  # how the last lesson went
        self.written = ""  # the file, when there is one

    def __enter__(self) -> "Lessons":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._news.set()
        self._thread.join()
        if (labels := self._queue.find_labels()) != self._last and self._is_enough(labels, 1):
            self._learn(labels)

    def notify(self) -> None:
        """Tell that there may be new labels."""
        self._news.set()

    def describe(self) -> dict[str, Any]:
        """Return the state for the page."""
        changed = self._queue.count_changed()
        return {"is_learning": self.is_learning, "told": self.told, "written": self.written, "changed": changed}

    def _work(self) -> None:
        while self._news.wait() and not self._is_over:
            self._news.clear()
            labels = self._queue.find_labels()
            if self._is_enough(labels, _EVERY):
                self._learn(labels)

    def _is_enough(self, labels: Mapping[str, str], new: int) -> bool:
        """Tell if there is something to learn: new labels, and a picture that is misread."""
        n_new = len(labels.items() ^ self._last.items())
        wanted = new if new == 1 else max(new, _PART * len(labels))
        return len(labels) >= _FEWEST and n_new >= wanted and self._queue.count_misread(labels) > 0

    def _learn(self, labels: dict[str, str]) -> None:
        """Give one lesson; say how it went, whatever happens."""
        self.is_learning, self._last = True, labels
        try:
            self._adapt(labels)
        except LenetkitError as error:
            self.told = f"Nothing was learnt: {error}"
        except Exception as error:
            words = describe_system_error(error)
            if words is None:
                _logger.exception("learning failed; this is a bug in lenetkit, please report it")
                words = "a bug in lenetkit. The server's log says more."
            self.told = f"Nothing was learnt: {words}"
        finally:
            self.is_learning = False

    def _adapt(self, labels: Mapping[str, str]) -> None:
        names = self._choose(labels)
        chosen = [labels[name] for name in names]
        is_known = all(label in self._classes for label in chosen)
        pipeline = copy.copy(self._pipeline)  # which shares all that is not replaced
        report = pipeline.adapt(
            [self._pictures[name] for name in names],
            [self._classes[label] for label in chosen] if is_known else chosen,
            layers="last",  # a lesson for all layers would take as long as it takes to correct ten more pictures
        )
        if not report.accepted:
            self.told = f"Nothing was learnt from {report.before.n} pictures: {report.reason}"
            return
        pipeline.save(self._output)
        self.written = self._output
        errors = f"{report.before.n_errors} errors before, {report.after.n_errors} after"
        self.told = f"Learnt from {report.before.n} pictures: {errors}, each read without having learnt it."
        if not self._is_over:
            self._read_again(pipeline)

    def _choose(self, labels: Mapping[str, str]) -> list[str]:
        """Return the pictures to learn from: the misread ones of each class first, up to a number."""
        counts = Counter(labels.values())
        misread = [name for name in labels if self._queue.count_misread({name: labels[name]})]
        taken, chosen = Counter[str](), []
        for name in dict.fromkeys([*misread, *labels]):
            label = labels[name]
            is_known = label in self._classes or counts[label] >= _FEWEST
            if is_known and taken[label] < _MOST:
                taken[label] += 1
                chosen.append(name)
        return chosen

    def _read_again(self, pipeline: "Pipeline") -> None:
        answers: dict[str, Answer] = {}
        for name, answer in read_labels(pipeline, self._pictures):
            if self._is_over:
                return
            if isinstance(answer, Answer):
                answers[name] = answer
        self._queue.update(answers)

"""Pictures in the order of the pipeline's doubt, and the decisions about them.

In: answers of a pipeline, and the table of decisions. Out: the next pictures to be asked about, and how far one is.
Next: :mod:`lenetkit.demo._labelling.label_page` shows them, :mod:`lenetkit.demo._labelling.lessons` learns from them.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from lenetkit._utils.fork_lock import ForkLock
from lenetkit.demo._labelling.label_table import NOTHING, SKIPPED, Decision, LabelTable

__all__ = ["Answer", "DoubtQueue"]

# As many keys can be taken back.
_MOST_STEPS = 1000


@attrs.frozen(kw_only=True)
class Answer:
    """The answer of a pipeline for a picture; the label is empty where there is nothing to read."""

    label: str
    probability: float
    others: tuple[str, ...] = ()  # the next probable labels

    @property
    def doubt(self) -> tuple[bool, float]:
        """Key to sort by: the least sure first, and before them what may be nothing at all."""
        return bool(self.label), self.probability


class DoubtQueue:
    """The pictures of a folder, by their names in the table.

    Every method may be called by any thread; each change is on the disk when its method returns.

    Parameters
    ----------
    answers : mapping from str to Answer
        Of every picture.
    table : LabelTable
        The decisions, some of which may have been made before, and about other pictures, too.
    """

    def __init__(self, answers: Mapping[str, Answer], table: LabelTable) -> None:
        self._first, self._answers, self._table = dict(answers), dict(answers), table
        self._lock = ForkLock()
        self._steps: deque[dict[str, Decision | None]] = deque(maxlen=_MOST_STEPS)

    def find_next(self, count: int) -> list[dict[str, Any]]:
        """Return the pictures to be asked about next, without those that were skipped."""
        with self._lock.inner:
            waiting = [name for name in self._answers if name not in self._table.rows]
            waiting.sort(key=lambda name: (self._answers[name].doubt, name))
            return [self._describe(name) for name in waiting[:count]]

    def decide(self, decisions: Mapping[str, Decision]) -> None:
        """Make decisions about pictures, which one undo takes back together.

        Raises
        ------
        KeyError
            If there is no such picture.
        OSError, DataError
            If they cannot be written; then none was made.
        """
        with self._lock.inner:
            if unknown := decisions.keys() - self._answers.keys():
                raise KeyError(min(unknown))
            before = {name: self._table.rows.get(name) for name in decisions}
            self._table.change(decisions)
            self._steps.append(before)

    def undo(self) -> list[dict[str, Any]]:
        """Take the last decisions back and return their pictures; an empty list if there are none.

        Raises
        ------
        OSError, DataError
            If that cannot be written; then nothing has changed.
        """
        with self._lock.inner:
            if not self._steps:
                return []
            self._table.change(self._steps[-1])
            return [self._describe(name) for name in self._steps.pop()]

    def ask_skipped_again(self) -> None:
        """Put what was skipped back; see :meth:`undo`."""
        with self._lock.inner:
            skipped = [name for name in self._answers if self._is_skipped(name)]
            self._table.change(dict.fromkeys(skipped))
            self._steps.clear()  # what was undone beyond this point would be another order

    def update(self, answers: Mapping[str, Answer]) -> None:
        """Take new answers of a pipeline that has learnt."""
        with self._lock.inner:
            self._answers.update(answers)

    def find_labels(self) -> dict[str, str]:
        """Return the labels of the pictures that have one."""
        with self._lock.inner:
            return {
                name: decision.label
                for name, decision in self._table.rows.items()
                if decision.is_label and name in self._answers
            }

    def count_misread(self, labels: Mapping[str, str]) -> int:
        """Return the number of labels that are not what the pipeline read at first."""
        return sum(self._first[name].label != label for name, label in labels.items())

    def count_changed(self) -> int:
        """Return the number of pictures that are read otherwise than at first."""
        with self._lock.inner:
            return sum(answer.label != self._first[name].label for name, answer in self._answers.items())

    def count(self) -> dict[str, Any]:
        """Return how far one is."""
        with self._lock.inner:
            decided = [(name, self._table.rows[name]) for name in self._answers if name in self._table.rows]
            skipped = sum(decision.left_out == SKIPPED for _, decision in decided)
            done = len(decided) - skipped
            corrected = sum(
                decision.label != self._first[name].label for name, decision in decided if decision.left_out != SKIPPED
            )
            nothing = sum(decision.left_out == NOTHING for _, decision in decided)
            return {
                "done": done,
                "left": len(self._answers) - done - skipped,
                "skipped": skipped,
                "corrected": corrected,
                "nothing": nothing,
                "can_undo": bool(self._steps),
            }

    def names(self) -> Sequence[str]:
        """Return the names of all pictures."""
        return list(self._answers)

    def _is_skipped(self, name: str) -> bool:
        return name in self._table.rows and self._table.rows[name].left_out == SKIPPED

    def _describe(self, name: str) -> dict[str, Any]:
        answer = self._answers[name]
        return {"name": name, "label": answer.label, "probability": answer.probability, "others": answer.others}

"""Figures taken from where they were measured or counted, so that no page repeats them by hand.

``paper-counts`` sets a paper's numbers beside those of the built model; ``recipes`` shows some rows of
``docs/research/data/recipes.json``; the role ``measured`` gives one figure of a file in that folder. A figure that does
not exist, or that differs from the paper's, is a warning, and so an error where the documentation is tested.
"""

import json
import math
import statistics
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

_logger = logging.getLogger(__name__)
_DATA = Path(__file__).parents[1] / "research" / "data"


def _runs(file: str) -> list[dict[str, Any]]:
    return json.loads((_DATA / file).read_text("utf-8"))["runs"]


def _matching(file: str, conditions: list[str]) -> list[dict[str, Any]]:
    """Return the runs of which each "key=value" holds, among their fields or among their settings."""
    pairs = [condition.strip().split("=", 1) for condition in conditions]
    found = [
        run
        for run in _runs(file)
        if all(str({**run.get("settings", {}), **run}.get(key)) == value for key, value in pairs)
    ]
    if not found:
        raise ValueError(f"{file} has no run with {'; '.join(conditions)}")
    return found


def _mean(runs: list[dict[str, Any]], field: str, digits: int = 2) -> str:
    values = [run[field] for run in runs]
    if all(isinstance(value, int) and value == values[0] for value in values):
        return f"{values[0]:,}"
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


class Measured(SphinxRole):
    """``{measured}`train.json; way=default; accuracy```: mean, and standard deviation where there are several runs."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        file, *conditions, field = [part.strip() for part in self.text.split(";")]
        try:
            text = _mean(_matching(file, conditions), field)
        except (OSError, KeyError, ValueError) as error:
            _logger.warning("no such figure: %s (%s)", self.text, error, location=self.get_location())
            text = "?"
        return [nodes.Text(text.replace(" ", "\N{NO-BREAK SPACE}"))], []


class _Table(SphinxDirective):
    """A table whose first row is its head; cells are written as the page is, Markdown or reStructuredText."""

    has_content = True

    def _rows(self) -> list[list[str]]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        rows = self._rows()
        group = nodes.tgroup(cols=len(rows[0]))
        group += [nodes.colspec(colwidth=1) for _ in rows[0]]
        head, *body = [nodes.row("", *map(self._cell, row)) for row in rows]
        group += [nodes.thead("", head), nodes.tbody("", *body)]
        return [nodes.table("", group, classes=["figures"])]

    def _cell(self, text: str) -> nodes.entry:
        found, messages = self.parse_inline(text)
        return nodes.entry("", nodes.paragraph("", "", *found), *messages)


class Recipes(_Table):
    """Rows of the compared training settings: a line ``displayed text <- name in recipes.json; setting=value``."""

    def _rows(self) -> list[list[str]]:
        rows = [["on held-back images", "accuracy, %", "cross-entropy", "wrong when sure", "runs"]]
        for line in self.content:
            label, _, wanted = line.partition(" <- ")
            what, *conditions = wanted.split(";")
            try:
                runs = _matching("recipes.json", [f"what={what.strip()}", *conditions])
            except ValueError as error:
                _logger.warning("%s", error, location=self.get_location())
                continue
            surest = f"{statistics.mean(run['wrong_among_surest'] for run in runs):.0f}"
            entropy = f"{statistics.mean(run['cross_entropy'] for run in runs):.3f}"
            rows.append([label, _mean(runs, "accuracy"), entropy, surest, str(len(runs))])
        return rows


class PaperCounts(_Table):
    """A paper's parameters and connections beside the built model's: a line ``layer parameters connections`` each."""

    required_arguments = 1
    _head: ClassVar = ["layer", "size", "parameters: paper", "counted", "connections: paper", "counted"]

    def _rows(self) -> list[list[str]]:
        from lenetkit.models import create_model, model_info
        from lenetkit.models._counting import count_connections

        model = create_model(self.arguments[0], input_shape=model_info(self.arguments[0]).input_shape, seed=0)
        rows = [self._head]
        for line in self.content:
            name, *paper = line.replace(",", "").split()
            if name == "total":
                counts = model_info(self.arguments[0]).counts()
                size, counted = "", [counts.parameters, counts.connections]
            else:
                layer = model.get_layer(name)
                *sides, number = layer.output.shape[1:]
                size = f"{number}@{'x'.join(map(str, sides))}" if sides else str(number)  # as the paper has it
                counted = [sum(math.prod(v.shape) for v in layer.trainable_variables), count_connections(layer)]
            if [int(number) for number in paper] != counted:
                where = self.get_location()
                _logger.warning("%s: the paper has %s, the model %s", name, paper, counted, location=where)
            name = f"**{name}**" if name == "total" else f"`{name}`"
            pairs = [f"{int(number):,}" for pair in zip(paper, counted, strict=True) for number in pair]
            rows.append([name, size, *pairs])
        return rows


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("measured", Measured())
    app.add_directive("recipes", Recipes)
    app.add_directive("paper-counts", PaperCounts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

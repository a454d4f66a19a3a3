"""Parts of the tables that benchmarks wrote, so that a page shows what was measured and nothing else.

``measured-table FILE`` takes a file below ``docs/research/data`` and chooses among its columns and rows; a column or a
row that the file does not have (any more) is an error, and so the build fails.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_DATA = Path(__file__).parents[1] / "research" / "data"


def read_table(text: str, first_column: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this name: Markdown's pipes, or columns two spaces apart."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        piped = line.startswith("|")
        if piped:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
        else:
            # "9958/ 10000   99.58%" is one cell; the share is what a part of a table shows.
            cells = re.split(r" {2,}", re.sub(r"\d+/ *\d+ +([\d.]+%)", r"\1", line.strip()))
        if rows and (len(cells) != len(rows[0]) or not any(cells)):
            break
        if rows or cells[0] == first_column:
            rows.append(cells)
    return [row for row in rows if not set("".join(row)) <= set("-: ")]


def _pairs(text: str) -> list[tuple[str, str]]:
    """Split "name = heading" lines; without a heading the name is the heading."""
    lines = [line.partition(" = ") for line in text.splitlines() if line.strip()]
    return [(name.strip(), heading.strip() or name.strip()) for name, _, heading in lines]


class MeasuredTable(SphinxDirective):
    """Some columns and rows of a table that a benchmark wrote, under names for people."""

    required_arguments = 1
    option_spec: ClassVar = {"columns": directives.unchanged_required, "rows": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        columns, rows = _pairs(self.options["columns"]), _pairs(self.options["rows"])
        file = _DATA / self.arguments[0]
        self.env.note_dependency(str(file))
        first = "" if columns[0][0] == "-" else columns[0][0]
        table = {row[0]: row for row in read_table(file.read_text("utf-8"), first)}
        try:
            places = [table[first].index("" if name == "-" else name) for name, _ in columns]
            chosen = [[heading, *(table[name][place] for place in places[1:])] for name, heading in rows]
        except (KeyError, ValueError) as error:
            raise self.error(f"{self.arguments[0]} does not have all these columns and rows: {error}") from error
        return [self._table([["" if heading == "-" else heading for _, heading in columns], *chosen])]

    def _table(self, rows: list[list[str]]) -> nodes.table:
        lines = [nodes.row("", *map(self._cell, row)) for row in rows]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in rows[0]), cols=len(rows[0]))
        group += [nodes.thead("", lines[0]), nodes.tbody("", *lines[1:])]
        return nodes.table("", group, classes=["figures"])

    def _cell(self, text: str) -> nodes.entry:
        # By this page's own parser, Markdown or reStructuredText.
        children, messages = self.parse_inline(text)
        return nodes.entry("", nodes.paragraph("", "", *children, *messages))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("measured-table", MeasuredTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

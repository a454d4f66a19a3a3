"""The report's file: the template filled in and written.

In: an evaluation and what is known besides. Out: an HTML file.
"""

import datetime as dt
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetkit._utils.extras import get_command, require_library
from lenetkit._utils.files import write_atomically
from lenetkit.evaluator._metrics import Measures
from lenetkit.evaluator._report import figures, sections
from lenetkit.evaluator._report.description import (
    FittedPipeline,
    Images,
    LabelledImages,
    describe_data,
    describe_pipeline,
    versions,
)
from lenetkit.exceptions import MissingExtraError
from lenetkit.plotting import import_matplotlib

if TYPE_CHECKING:
    import jinja2
    import pandas as pd

__all__ = ["write_report"]


def write_report(
    path: str | os.PathLike[str],
    evaluation: Measures,
    *,
    data: LabelledImages | Images | None = None,
    pipeline: FittedPipeline | None = None,
    history: "pd.DataFrame | Mapping[str, Any] | None" = None,
    corruptions: "pd.DataFrame | None" = None,
    settings: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Path:
    """Write the report of an evaluation; see :meth:`lenetkit.evaluator.Evaluation.to_html`."""
    require_library("a report", "pandas")
    template = _template()
    facts = describe_data(data, evaluation)
    own_settings, own_history = describe_pipeline(pipeline)
    html = template.render(
        title=title or (f"Evaluation on {facts.name}" if facts.name else "Evaluation"),
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=sections.summary(evaluation),
        contested=sections.contested(evaluation, facts),
        per_class=sections.per_class(evaluation),
        confused=sections.confused(evaluation),
        confusion=figures.confusion(evaluation),
        hardest=sections.hardest(evaluation, facts),
        reliability=figures.reliability(evaluation),
        rejection=figures.rejection(evaluation),
        operating_points=sections.operating_points(evaluation),
        history=figures.learning_curves(history if history is not None else own_history),
        corruptions=sections.corruptions(corruptions),
        data=facts.rows,
        settings={**own_settings, **{str(name): str(value) for name, value in (settings or {}).items()}},
        versions=versions(),
    )
    return write_atomically(path, html.encode("utf-8", errors="backslashreplace"))


def _template() -> "jinja2.Template":
    import_matplotlib()
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError(
            f"a report needs Jinja2, which cannot be imported ({error}). Install it with: {get_command('plot')}"
        ) from error
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("lenetkit.evaluator._report").joinpath("report.html.jinja").read_text("utf-8"))

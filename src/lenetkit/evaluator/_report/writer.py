"""The file: a template filled in and written."""

import datetime as dt
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetkit._utils.files import write_atomically
from lenetkit.evaluator._report import sections
from lenetkit.evaluator._report.figures import Pictures
from lenetkit.evaluator._report.provenance import facts_of_data, settings_of, versions
from lenetkit.exceptions import MissingExtraError
from lenetkit.plotting._canvas import import_matplotlib

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_report"]


def write_report(
    path: str | os.PathLike[str],
    evaluation: Any,
    *,
    data: Any = None,
    pipeline: Any = None,
    history: "pd.DataFrame | Mapping[str, Any] | None" = None,
    corruptions: "pd.DataFrame | None" = None,
    settings: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Path:
    """Write the report of an evaluation; see :meth:`lenetkit.evaluator.Evaluation.to_html`.

    Parameters
    ----------
    path : path
        Usually ``*.html``. A file that is there is replaced.
    evaluation : Evaluation
        The figures.
    data : Dataset or sequence of images, optional
        The images that were evaluated, in the same order.
    pipeline : Pipeline, optional
        What gave the answers.
    history : pandas.DataFrame or mapping of str to sequences, optional
        Learning curves instead of the pipeline's.
    corruptions : pandas.DataFrame, optional
        Accuracies by kind of corruption (rows) and severity (columns).
    settings : mapping of str to anything, optional
        Further settings to list.
    title : str, optional
        The heading.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataError
        If the data do not belong to the evaluation, or something cannot be drawn.
    MissingExtraError
        If matplotlib or Jinja2 is not installed.
    SettingError
        If the folder does not exist.
    OSError
        If the system refuses; a file that was there is untouched then.
    """
    template = _template()
    facts = facts_of_data(data, evaluation)
    own_settings, own_history = settings_of(pipeline)
    pictures = Pictures()
    html = template.render(
        title=title or (f"Evaluation on {facts.name}" if facts.name else "Evaluation"),
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=sections.summary(evaluation),
        contested=sections.contested(evaluation, facts),
        per_class=sections.per_class(evaluation),
        confused=sections.confused(evaluation),
        confusion=pictures.confusion(evaluation),
        hardest=sections.hardest(evaluation, facts),
        reliability=pictures.reliability(evaluation),
        rejection=pictures.rejection(evaluation),
        operating_points=sections.operating_points(evaluation),
        history=pictures.history(history if history is not None else own_history),
        corruptions=sections.corruptions(corruptions),
        data=facts.rows,
        settings={**own_settings, **{str(name): str(value) for name, value in (settings or {}).items()}},
        versions=versions(),
    )
    return write_atomically(path, html.encode("utf-8", errors="backslashreplace"))


def _template() -> Any:
    import_matplotlib()
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError(
            f'a report needs Jinja2, which cannot be imported ({error}). Install it with: pip install "lenetkit[plot]"'
        ) from error
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("lenetkit.evaluator._report").joinpath("report.html.jinja").read_text("utf-8"))

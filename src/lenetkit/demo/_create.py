"""The web application, for a server of one's own."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from lenetkit.exceptions import MissingExtraError, SettingError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from lenetkit.pipeline import Pipeline

__all__ = ["LOOPBACK", "create_app", "missing_extra"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of the own machine: what a page may call this server unless told otherwise."""

_MEGABYTE = 1_000_000


def create_app(
    pipelines: "Mapping[str, Pipeline] | None" = None,
    *,
    max_upload: float = 10,
    max_pixels: int = 50_000_000,
    hosts: Collection[str] = LOOPBACK,
) -> "Starlette":
    """Return the page to draw on as an ASGI application, to run or to mount in one's own server.

    All addresses on the page are relative, so that it works under any path: ``Mount("/digits", create_app(...))``.

    ``POST api/read?pipeline=NAME`` takes a picture file as its body and answers with a JSON object:

    ================== =================================================================================================
    ``answer``         ``kind``: ``"label"``, ``"number"`` or ``"none"``, and its ``text``: the label where it may be
                       relied upon, else the number where there are several digits
    ``label``          the most probable label, with its ``probability``
    ``probabilities``  of each label
    ``rejected``       whether the label is not to be relied upon, and the ``reason`` in words; both are null where the
                       pipeline cannot tell
    ``is_label``       whether the picture looks like one of the labels at all; null where the pipeline cannot tell
    ``number``         text, lines and digits with their boxes, see
                       :meth:`Reading.to_dict <lenetkit.reading.Reading.to_dict>`; null where labels are words
    ``findings``       each ``cause`` and ``cure`` that
                       :meth:`Pipeline.diagnose <lenetkit.pipeline.Pipeline.diagnose>` names
    ``size``           width and height in pixels
    ``stages``         ``name``, ``size`` and ``picture`` (a data URL) of each stage of
                       :meth:`Pipeline.trace <lenetkit.pipeline.Pipeline.trace>`
    ================== =================================================================================================

    The parameter ``reject`` is the share of errors among accepted answers, 0.01 by default; ``name`` is what errors
    call the picture. ``POST api/layers?pipeline=NAME`` answers with ``layers``, each with ``name``, ``caption`` and
    ``picture``; it loads TensorFlow. ``GET api/pipelines`` lists the pipelines and their labels. Whatever is wrong with
    a request comes with a 4xx status and an ``error`` in words; 503 says that too many pictures are waiting.

    Parameters
    ----------
    pipelines : mapping from str to Pipeline, optional
        What visitors can choose from, the first to begin with; fitted. Default: the one that comes with lenetkit.
    max_upload : float, default 10
        Megabytes that a picture file may have.
    max_pixels : int, default 50,000,000
        Pixels that a picture may have, however small its file is.
    hosts : collection of str, default LOOPBACK
        Names and addresses that requests may call this server by; others are refused, so that no foreign site can make
        a visitor's browser talk to it. ``"*"`` allows all.

    Returns
    -------
    starlette.applications.Starlette
        The application.

    Raises
    ------
    MissingExtraError
        If Starlette is not installed.
    SettingError
        If there are no pipelines, or a limit is not positive.
    NotFittedError
        If a pipeline is not fitted.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.demo import create_app
    >>> app = create_app({"digits": Pipeline.pretrained()}, max_upload=5)
    >>> sorted(route.path for route in app.routes if route.path.startswith("/api"))
    ['/api/layers', '/api/pipelines', '/api/read']
    """
    for name, limit in (("max_upload", max_upload), ("max_pixels", max_pixels)):
        if not limit > 0:
            raise SettingError(f"{name} must be above 0; got {limit!r}.")
    if isinstance(hosts, str):
        raise SettingError(f"hosts must be a list of names; got {hosts!r}. Write [{hosts!r}].")
    if pipelines is None:
        from lenetkit.pipeline import Pipeline

        pipelines = {"digits": Pipeline.pretrained()}
    if not pipelines:
        raise SettingError("there must be at least one pipeline to show; got none.")
    try:
        import starlette  # noqa: F401
    except ImportError as error:
        raise missing_extra("Starlette", error) from error
    from lenetkit.demo._app import Demo

    return Demo(dict(pipelines), int(max_upload * _MEGABYTE), max_pixels, hosts).app


def missing_extra(what: str, error: ImportError) -> MissingExtraError:
    """Say what to install."""
    return MissingExtraError(
        f'the demo needs {what}, which cannot be imported ({error}). Install it with: pip install "lenetkit[demo]"'
    )

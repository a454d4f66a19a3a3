"""The web application as an ASGI application, for any server."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from lenetkit._utils.extras import require_extra
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from lenetkit.pipeline import Pipeline

__all__ = ["LOOPBACK", "create_app", "is_loopback"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine itself, which requests may use by default."""

_MEGABYTE = 1_000_000


def create_app(
    pipelines: "Mapping[str, Pipeline] | None" = None,
    *,
    max_upload: float = 10,
    max_pixels: int = 50_000_000,
    hosts: Collection[str] = LOOPBACK,
) -> "Starlette":
    """Create the page to draw on as an ASGI application, to run or to mount in another server.

    All addresses on the page are relative, so that it works under any path: ``Mount("/digits", create_app(...))``.

    ``POST api/read?pipeline=NAME`` accepts an image file as its body and answers with a JSON object:

    ================== =================================================================================================
    ``answer``         ``kind``: ``"label"``, ``"number"`` or ``"none"``, and its ``text``: the label unless rejected,
                       else the number if there are several digits
    ``label``          the most probable label, with its ``probability``
    ``probabilities``  of each label
    ``rejected``       true if the label is not reliable, with the ``reason`` in words; null if not calibrated
    ``is_label``       true if the image looks like one of the labels at all; null if not calibrated
    ``number``         text, what stands there, lines, digits and doubtful places with their boxes, see
                       :meth:`Reading.to_dict <lenetkit.reading.Reading.to_dict>`, and ``alternatives``, each with its
                       ``text`` and ``probability``; null if labels are words
    ``findings``       each ``cause`` and ``cure`` that
                       :meth:`Pipeline.diagnose <lenetkit.pipeline.Pipeline.diagnose>` names
    ``size``           width and height in pixels
    ``stages``         ``name``, ``size`` and ``picture`` (a data URL) of each stage of
                       :meth:`Pipeline.trace <lenetkit.pipeline.Pipeline.trace>`
    ================== =================================================================================================

    The parameter ``reject`` is the fraction of errors among accepted answers, 0.01 by default; ``name`` is the image's
    name in errors. ``length`` (``5`` or ``4-6``), ``pattern``, ``among`` (at most 1,000 numbers between commas or
    spaces), ``check`` and ``lines`` say what is known of the number, as for :func:`lenetkit.reading.read_number`; an
    error in them has ``about``: ``"known"`` beside its words.

    ``POST api/layers?pipeline=NAME`` answers with ``layers``, each with ``name``, ``caption`` and ``picture``; it loads
    TensorFlow. ``GET api/pipelines`` lists the pipelines and their labels. An invalid request gets a 4xx status and an
    ``error`` in words: 408 if the image was not sent within 30 seconds, 422 also if it takes more work than its budget
    (:func:`lenetkit.reading.read_number`). 503 means that too many images are waiting or being sent, or that the answer
    was not ready within 60 seconds. Work ends when its visitor has gone.

    Parameters
    ----------
    pipelines : mapping from str to Pipeline, optional
        Fitted pipelines to choose from, the first by default. Default: the one that comes with lenetkit.
    max_upload : float, default 10
        Megabytes that an image file may have.
    max_pixels : int, default 50,000,000
        Pixels that an image may have, however small its file is.
    hosts : collection of str, default LOOPBACK
        Names and addresses that requests may call this server by; others are refused, so that no foreign site can make
        a visitor's browser talk to it. ``"*"`` allows all.

    Returns
    -------
    starlette.applications.Starlette

    Raises
    ------
    MissingExtraError
        If Starlette is not installed.
    SettingError
        If there are no pipelines, or a limit is no positive finite number.
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
    from lenetkit._utils.validation import is_number

    for name, limit in (("max_upload", max_upload), ("max_pixels", max_pixels)):
        if not is_number(limit, 0) or not limit:
            raise SettingError(f"{name} must be above 0; got {limit!r}. Give a finite number.")
    if isinstance(hosts, str):
        raise SettingError(f"hosts must be a list of names; got {hosts!r}. Write [{hosts!r}].")
    if pipelines is None:
        from lenetkit.pipeline import Pipeline

        pipelines = {"digits": Pipeline.pretrained()}
    if not pipelines:
        raise SettingError("there must be at least one pipeline to show; got none.")
    require_extra("the demo", "demo", "starlette")
    from lenetkit.demo._app import create_application

    return create_application(dict(pipelines), int(max_upload * _MEGABYTE), max_pixels, hosts)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host's name or address."""
    return host in LOOPBACK or host.startswith("127.")

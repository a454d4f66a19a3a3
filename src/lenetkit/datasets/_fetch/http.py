"""Download of one address: the only module of lenetkit that talks to a network.

In: an address. Out: its bytes. Next: the content is verified, see :mod:`lenetkit.datasets._fetch.records`.

requests does the talking. Added here: a bound on the size, no way from https to http, an end to mirrors that stall or
drip, a reason in one line when a mirror fails, and a progress bar on a terminal.
"""

import io
import ipaddress
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from lenetkit._utils.imports import import_quietly

if TYPE_CHECKING:
    import requests
    from rich.progress import Progress

__all__ = ["MirrorError", "download", "is_allowed"]

_CONNECT_SECONDS = 10.0
# Bytes per second; a mirror below this is as good as dead.
_SLOWEST = 1024
# Bytes of one read. The pace is checked after each, so that a mirror which sends a byte just before every time limit is
# given up after so many of them at the latest. MNIST's 11 MB cost 0.6 s of computing this way, 0.1 s with 2**15.
_CHUNK = 256


class MirrorError(Exception):
    """The reason why a mirror did not give what it should; never seen outside of this package.

    Parameters
    ----------
    reason : str
        One line.
    unreachable : bool
        True if asking the same host for another file is pointless.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


def is_allowed(url: str, coming_from: str | None = None) -> bool:
    """Return True for an address that may be asked: https anywhere; http on this machine only, and never after https.

    Parameters
    ----------
    url : str
        The address.
    coming_from : str, optional
        The address that redirected to it.

    Examples
    --------
    >>> from lenetkit.datasets._fetch.http import is_allowed
    >>> is_allowed("https://example.org/a"), is_allowed("http://example.org/a"), is_allowed("http://127.0.0.1:80/a")
    (True, False, True)
    >>> is_allowed("http://127.0.0.1:80/a", coming_from="https://example.org/a")
    False
    """
    address = urlsplit(url)
    is_downgrade = coming_from is not None and urlsplit(coming_from).scheme != "http"
    return address.scheme == "https" or (
        address.scheme == "http" and not is_downgrade and _is_this_machine(address.hostname or "")
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def download(
    url: str, *, most_bytes: int, timeout: float, title: str, show_life: Callable[[], None] = lambda: None
) -> bytes:
    """Fetch one address.

    Parameters
    ----------
    url : str
        An allowed address, see :func:`is_allowed`.
    most_bytes : int
        A mirror that sends more than this is cut off.
    timeout : float
        Seconds without any progress after which a mirror is given up.
    title : str
        The text beside the progress bar.
    show_life : callable
        Called before the mirror is asked and whenever something has arrived.

    Returns
    -------
    bytes

    Raises
    ------
    MirrorError
        If anything goes wrong.
    """
    # Imported late: urllib3 opens a socket when it is imported, and a set that is already here needs none.
    import_quietly("requests")
    import requests

    if not is_allowed(url):
        raise MirrorError("not asked: only https is safe")
    show_life()
    try:
        with requests.get(
            url,
            stream=True,
            timeout=(min(timeout, _CONNECT_SECONDS), timeout),
            headers={"Accept-Encoding": "identity", "User-Agent": "lenetkit"},
            hooks={"response": _check_redirection},
        ) as response:
            response.raise_for_status()
            return _receive(response, most_bytes, timeout, title, show_life)
    except MirrorError:
        raise
    except Exception as error:  # whatever a mirror does, the next one shall be asked
        raise MirrorError(
            _reason(error), unreachable=isinstance(error, (requests.ConnectionError, requests.Timeout))
        ) from error


def _check_redirection(response: "requests.Response", **_: Any) -> None:
    """Refuse a redirection that is not allowed, before it is followed; requests calls this for each response."""
    target = urljoin(response.url, response.headers.get("location", ""))
    if response.is_redirect and not is_allowed(target, coming_from=response.url):
        response.close()
        raise MirrorError(f"it redirects to {target}, which is not allowed: only https is safe")


def _receive(
    response: "requests.Response", most_bytes: int, timeout: float, title: str, show_life: Callable[[], None]
) -> bytes:
    received = io.BytesIO()
    checked, before = time.monotonic(), 0
    with _progress() as progress:
        task = progress.add_task(title, total=int(response.headers.get("content-length", 0)) or None)
        for chunk in response.iter_content(_CHUNK):
            size = received.tell() + received.write(chunk)
            progress.update(task, completed=size)
            show_life()
            if size > most_bytes:
                raise MirrorError(f"cut off: it sent more than {most_bytes} bytes")
            # The time limit of requests is for one read from the socket: a mirror that drips never meets it.
            seconds = time.monotonic() - checked
            if seconds >= timeout:
                if size - before < _SLOWEST * seconds:
                    raise MirrorError(
                        f"given up: less than {_SLOWEST} bytes per second over {timeout:g} s", unreachable=True
                    )
                checked, before = time.monotonic(), size
    return received.getvalue()


def _progress() -> "Progress":
    """Return a progress bar that shows on a terminal only."""
    import_quietly("rich.progress")
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = sys.stderr is not None and sys.stderr.isatty()
    # Quiet, too: in rich 13.7 a disabled bar ends with an empty line.
    return Progress(*columns, console=Console(stderr=True, quiet=not shown), disable=not shown)


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no {'connection' if isinstance(error, requests.ConnectTimeout) else 'answer'} in time"
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return f"{type(cause).__name__}: {cause}"

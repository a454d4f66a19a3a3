"""One address in, its bytes out: the only module of lenetkit that talks to a network.

pooch and requests do the talking. What is added here: a bound on the size, no way from https to http, an end to
mirrors that stall, a reason in one line when a mirror fails, and a progress bar on a terminal.
"""

import io
import ipaddress
import sys
import threading
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import requests

__all__ = ["MirrorError", "download", "is_allowed"]

_CHUNK = 2**15
_CONNECT_SECONDS = 10.0
_SLOWEST = 1024  # bytes per second; a mirror below this is as good as dead


class MirrorError(Exception):
    """Why a mirror did not give what it should; never seen outside of this package.

    Parameters
    ----------
    reason : str
        One line.
    unreachable : bool
        Whether asking the same host for another file is pointless.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


def is_allowed(url: str, coming_from: str | None = None) -> bool:
    """Return whether an address may be asked: https anywhere; http on this machine only, and never after https.

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
    scheme = urlsplit(url).scheme.lower()
    if scheme == "http":
        downgraded = coming_from is not None and urlsplit(coming_from).scheme.lower() != "http"
        return _is_this_machine(urlsplit(url).hostname or "") and not downgraded
    return scheme == "https"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def download(url: str, *, most_bytes: int, timeout: float, title: str) -> bytes:
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
        What to write beside the progress bar.

    Returns
    -------
    bytes

    Raises
    ------
    MirrorError
        If anything goes wrong.
    """
    # Imported late: urllib3 opens a socket when it is imported, and a set that is already here needs none.
    import pooch
    import requests

    if not is_allowed(url):
        raise MirrorError("not asked: only https is safe")
    received = _Bounded(most_bytes)
    with ExitStack() as stack:
        watch = stack.enter_context(_Watch(received, timeout))
        fetch = pooch.HTTPDownloader(
            progressbar=stack.enter_context(_Bar(title)) if _on_a_terminal() else False,
            chunk_size=_CHUNK,
            timeout=(min(timeout, _CONNECT_SECONDS), timeout),
            headers={"Accept-Encoding": "identity", "User-Agent": "lenetkit"},
            hooks={"response": watch.inspect},
        )
        try:
            fetch(url, received, None)
        except MirrorError:
            raise
        except Exception as error:  # whatever a mirror does, the next one shall be asked
            watch.raise_if_stalled()
            unreachable = isinstance(error, (requests.ConnectionError, requests.Timeout))
            raise MirrorError(_reason(error), unreachable=unreachable) from error
        watch.raise_if_stalled()
    return received.getvalue()


class _Bounded(io.BytesIO):
    """Memory that refuses to grow beyond a bound."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > self.most:
            raise MirrorError(f"cut off: it sent more than {self.most} bytes")
        return super().write(chunk)


class _Watch:
    """Looks at every response of one request, and hangs up when nearly nothing arrives any more.

    The time limit of requests is for one read from the socket: a mirror that sends a byte now and then never meets it.
    """

    def __init__(self, received: io.BytesIO, timeout: float) -> None:
        self._received = received
        self._timeout = timeout
        self._response: requests.Response | None = None
        self._stalled = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lenetkit-download-watch", daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._response is not None:
            self._response.close()

    def inspect(self, response: "requests.Response", **_: Any) -> None:
        """Refuse a redirection that is not allowed, before it is followed; requests calls this for each response."""
        self._response = response
        if response.is_redirect:
            target = urljoin(response.url, response.headers["location"])
            if not is_allowed(target, coming_from=response.url):
                raise MirrorError(f"it redirects to {target}, which is not allowed: only https is safe")

    def raise_if_stalled(self) -> None:
        if self._stalled:
            raise MirrorError(
                f"given up: less than {_SLOWEST} bytes per second over {self._timeout:g} s", unreachable=True
            )

    def _run(self) -> None:
        before: int | None = None
        while not self._done.wait(self._timeout):
            now = self._received.tell()
            if self._response is not None and before is not None and now - before < _SLOWEST * self._timeout:
                self._stalled = True
                _hang_up(self._response)
                return
            if self._response is not None:
                before = now


def _hang_up(response: "requests.Response") -> None:
    """End the read that another thread is waiting in."""
    with suppress(OSError, ValueError):  # it may have ended by itself meanwhile
        response.raw.shutdown()


def _on_a_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


class _Bar:
    """The progress bar that pooch expects, drawn by rich on standard error."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def total(self) -> float | None:
        """Bytes to come, where the mirror says so."""
        return self._progress.tasks[0].total

    @total.setter
    def total(self, total: int) -> None:
        self._progress.update(self._task, total=total or None)

    def update(self, advance: int) -> None:
        """Count bytes that arrived."""
        self._progress.update(self._task, advance=advance)

    def reset(self) -> None:
        """Count from zero again, without a restart of the clock."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Do nothing: leaving the context closes the bar, also after an error."""


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return f"{type(cause).__name__}: {cause}"

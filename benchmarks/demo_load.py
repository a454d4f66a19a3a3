"""Demo page under mixed load: fifty clients of this machine, most of them unkind, against ``lenetkit demo``.

    python benchmarks/demo_load.py                      60 seconds, 50 clients
    python benchmarks/demo_load.py --seconds 5 --clients 12

One client draws a 7, and asks again half a second after it was answered. The others send a page full of small digits, a
page of specks, a photo of 48 megapixels, a picture that lacks its last byte, damaged bytes, and a costly page before
whose answer they go away; or begin the head of a request. Whoever is told to try again later does so when it was told.

Printed are the answers and their seconds by kind, the requests over their deadline, and the server's memory at the
start (after its first answers), at its highest and at the end. The exit code is 1 if a request is over its deadline, a
drawn 7 took more than a second, or the memory does not come back to within 50 MB.
"""

import argparse
import collections
import http.client
import io
import itertools
import json
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

if __name__ == "__main__":
    from _shared import describe_machine, machine
from lenetkit.synthesis import draw_digits

MEGABYTE = 2**20
# Of the demo: for sending a picture and for the answer; and what the drawn 7 was promised.
DEADLINE, QUICK = 30 + 60, 1.0
MOST_LEFT = 50 * MEGABYTE


def png(pixels: np.ndarray) -> bytes:
    """Return an array as a picture file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png", compress_level=1)
    return file.getvalue()


def drawn_seven() -> bytes:
    """Return a 7 as somebody draws it on the page."""
    paper = np.full((480, 640), 255, np.uint8)
    image = draw_digits(10, styles="school", seed=3).images[7]
    paper[40:440, 120:520] = 255 - np.asarray(Image.fromarray(image).resize((400, 400)))
    return png(paper)


def small_digits(side: int, height: int = 20) -> bytes:
    """Return a page full of digits."""
    images = draw_digits(100, seed=1).images
    across = side // height
    digits = [255 - np.asarray(Image.fromarray(image).resize((height, height))) for image in images]
    rows = [np.hstack([digits[(row * 7 + column) % 100] for column in range(across)]) for row in range(across)]
    return png(np.vstack(rows))


def specks(side: int) -> bytes:
    """Return paper full of specks."""
    page = np.full((side, side), 255, np.uint8)
    for row, column in itertools.product(range(4), repeat=2):
        page[3 + row :: 7, 3 + column :: 7] = 0
    return png(page)


def photo() -> bytes:
    """Return a picture of 48 megapixels in few bytes."""
    page = np.full((6000, 8000), 230, np.uint8)
    page[1000:5000, 3500:4500] = 30
    return png(page)


class Clients:
    """Fifty clients, each a thread that repeats what its kind does until the time is over."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.host, self.port = host, port
        self.over = threading.Event()
        self.seconds = seconds
        self.taken: dict[str, list[tuple[str, float]]] = collections.defaultdict(list)
        seven, page = drawn_seven(), small_digits(600)
        self.seven = seven
        pages = small_digits(2000), specks(1000), photo(), small_digits(400, 12)
        self.kinds: list[tuple[str, Callable[[str], None]]] = [
            ("600 x 600 of digits", lambda kind: self.post(kind, page)),
            ("2000 x 2000 of digits", lambda kind: self.post(kind, pages[0])),
            ("specks", lambda kind: self.post(kind, pages[1])),
            ("48 megapixels", lambda kind: self.post(kind, pages[2])),
            ("lacks its last byte", lambda kind: self.lack_a_byte(kind, 9_000_000)),
            ("damaged", lambda kind: self.post(kind, seven[:300])),
            ("goes away", lambda kind: self.go_away(kind, page)),
            ("small, full of digits", lambda kind: self.post(kind, pages[3])),
            ("says nothing", self.say_nothing),
        ]

    def run(self, n_clients: int) -> None:
        """Let all clients ask, and wait until the last one is answered."""
        kind = "a drawn 7", lambda kind: self.post(kind, self.seven, 0.5)
        kinds = [kind, *itertools.islice(itertools.cycle(self.kinds), n_clients - 1)]
        threads = [threading.Thread(target=self.repeat, args=entry, daemon=True) for entry in kinds]
        for thread in threads:
            thread.start()
        time.sleep(self.seconds)
        self.over.set()
        for thread in threads:
            thread.join(DEADLINE + 30)

    def repeat(self, kind: str, ask: Callable[[str], None]) -> None:
        """Ask again and again."""
        while not self.over.is_set():
            ask(kind)

    def note(self, kind: str, what: str, begun: float) -> None:
        """Keep what came of one request."""
        self.taken[kind].append((what, time.monotonic() - begun))

    def post(self, kind: str, body: bytes, pause: float = 0.05) -> None:
        """Send a picture and wait for the answer."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=2 * DEADLINE)
        wait = 0.0
        try:
            connection.request("POST", "/api/read", body)
            response = connection.getresponse()
            response.read()
            what = str(response.status)
            wait = float(response.headers.get("Retry-After", 0))
        except OSError as error:
            what, wait = type(error).__name__, 0.5
        finally:
            connection.close()
        self.note(kind, what, begun)
        self.over.wait(max(wait, pause))

    def lack_a_byte(self, kind: str, size: int) -> None:
        """Send all of a picture but its last byte, and wait."""
        begun = time.monotonic()
        what = "closed"
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=2 * DEADLINE) as visitor:
            head = f"POST /api/read HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Length: {size}\r\n\r\n"
            visitor.sendall(head.encode() + b"\0" * (size - 1))
            answer = visitor.recv(1000)
            what = answer[9:12].decode() or "closed"
        self.note(kind, what, begun)
        self.over.wait(0.5)

    def go_away(self, kind: str, body: bytes) -> None:
        """Send a picture and go before the answer."""
        begun = time.monotonic()
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=DEADLINE) as visitor:
            head = f"POST /api/read HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Length: {len(body)}\r\n\r\n"
            visitor.sendall(head.encode() + body)
            self.over.wait(0.3)
        self.note(kind, "gone", begun)

    def say_nothing(self, kind: str) -> None:
        """Open a connection, begin a request's head, and wait."""
        begun = time.monotonic()
        what = "closed"
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=DEADLINE) as visitor:
            visitor.sendall(b"POST /api/read HTTP/1.1\r\nHost: ")
            what = visitor.recv(1000)[9:12].decode() or "closed"
        self.note(kind, what, begun)
        self.over.wait(0.5)


@contextmanager
def demo() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Serve the demo in a process of its own, at a free port."""
    line = [sys.executable, "-u", "-m", "lenetkit", "demo", "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(re.findall(r":(\d+)/", process.stdout.readline())[0])
        finally:
            process.terminate()


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096


def load(seconds: float, n_clients: int) -> dict[str, object]:
    """Put the demo under load and return what was measured."""
    with demo() as (process, port):
        clients = Clients("127.0.0.1", port, seconds)
        for _ in range(5):
            clients.post("first answers", clients.seven)
        start = highest = resident(process.pid)
        watched = threading.Thread(target=clients.run, args=(n_clients,))
        watched.start()
        while watched.is_alive():
            highest = max(highest, resident(process.pid))
            watched.join(0.1)
        time.sleep(2)
        clients.post("last answer", clients.seven)
        time.sleep(1)
        end = resident(process.pid)
    return {"start": start, "highest": highest, "end": end, "answers": dict(clients.taken)}


def main() -> int:
    """Measure, print, and tell by the exit code if all bounds were kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    arguments = parser.parse_args()
    found = load(arguments.seconds, arguments.clients)
    if arguments.json:
        print(json.dumps(found))
        return 0
    print(f"{arguments.clients} clients, {arguments.seconds:g} s; {describe_machine(machine())}")
    print(f"{'kind':<24}{'n':>6}{'median':>9}{'highest':>9}  seconds; answers")
    late = 0
    for kind, taken in found["answers"].items():
        times = [seconds for _, seconds in taken]
        late += sum(seconds > DEADLINE for seconds in times)
        counts = collections.Counter(what for what, _ in taken)
        said = ", ".join(f"{count} x {what}" for what, count in counts.most_common())
        print(f"{kind:<24}{len(taken):>6}{statistics.median(times):>9.2f}{max(times):>9.2f}  {said}")
    sevens = [seconds for what, seconds in found["answers"].get("a drawn 7", []) if what == "200"]
    start, highest, end = (found[name] / MEGABYTE for name in ("start", "highest", "end"))
    print(f"requests over their deadline of {DEADLINE} s: {late}")
    print(f"a drawn 7: {len(sevens)} answers, the slowest after {max(sevens, default=float('nan')):.2f} s")
    print(f"memory: {start:.0f} MiB at the start, {highest:.0f} at its highest, {end:.0f} at the end")
    others = [what for what, _ in found["answers"].get("a drawn 7", []) if what != "200"]
    bad = late or others or not sevens or max(sevens) > QUICK or found["end"] - found["start"] > MOST_LEFT
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

"""Finding, verifying and downloading named data sets, with a server on this machine in the part of the mirrors."""

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import attrs
import numpy as np
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.idx_files import as_idx

from lenetkit._utils.files import STEPS
from lenetkit.datasets import dataset_info, list_datasets, load_dataset, register_dataset
from lenetkit.datasets._fetch.http import MirrorError, _check_redirection, is_allowed
from lenetkit.datasets._fetch.idx_sets import RemoteIdx
from lenetkit.datasets._fetch.mirrors import fetch_files
from lenetkit.datasets._fetch.records import RemoteFile, UnfitError, unpack, verify
from lenetkit.datasets._loading import registry
from lenetkit.datasets.fashion_mnist import FASHION_MNIST
from lenetkit.datasets.mnist import MNIST
from lenetkit.exceptions import DataError, DownloadError, SettingError

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals")


PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
CONTENT = as_idx(PIXELS)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def as_npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Give the test a machine on which no data have ever been loaded; return lenetkit's own folder on it."""
    for name in ("LENETKIT_DATA", "KERAS_HOME", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home" / ".cache"))
    import platformdirs

    return Path(platformdirs.user_cache_dir("lenetkit", appauthor=False)) / "noise"


class Mirrors(http.server.ThreadingHTTPServer):
    """A server that answers each path as the test says, and remembers what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.asked = []
        self.closing = threading.Event()

    def url(self, path, answer, host="127.0.0.1"):
        self.answers[f"/{path}"] = answer
        return f"http://{host}:{self.server_port}/{path}"

    def handle_error(self, request, client_address):
        """Stay silent: clients that hang up are what is tested."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands a request to the answer of its path."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.answers[self.path](self)

    def log_message(self, *arguments):
        """Stay silent."""

    def begin(self, length=None, status=200, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def mirrors():
    """Start a server on this machine."""
    server = Mirrors()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


def serve(content):
    def answer(request):
        request.begin(len(content))
        request.wfile.write(content)

    return answer


def fail_with(status):
    return lambda request: request.send_error(status)


def send_a_page(request):
    serve(b"<!DOCTYPE html><html><body>Please log in to the network of this hotel.</body></html>")(request)


def cut_short(request):
    request.begin(len(CONTENT))
    request.wfile.write(CONTENT[:1000])


def cut_short_silently(request):
    request.begin()
    request.wfile.write(CONTENT[:1000])


def stall(request):
    request.begin(len(CONTENT))
    request.wfile.write(CONTENT[:1000])
    request.wfile.flush()
    request.server.closing.wait(20)


def never_answer(request):
    request.server.closing.wait(20)


def drip(request):
    request.begin(len(CONTENT))
    for byte in CONTENT:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        if request.server.closing.wait(0.003):
            break


def send_without_end(chunk):
    def answer(request):
        request.begin()
        while not request.server.closing.is_set():
            request.wfile.write(chunk)

    return answer


def lie_about_the_length(request):
    request.begin("many")
    request.wfile.write(CONTENT)


def redirect_to(location):
    return lambda request: request.begin(0, 302, Location=location)


def bomb():
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()


def damaged_gzip():
    packed = bytearray(gzip.compress(CONTENT))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


BAD_MIRRORS = {
    "wrong content": (serve(CONTENT[:-1] + b"\0"), f"expected noise with sha256 {SHA256}, found [0-9a-f]{{64}}"),
    "too short": (serve(CONTENT[:-1]), f"expected {len(CONTENT)} bytes of noise, found {len(CONTENT) - 1}"),
    "too long": (serve(CONTENT + b"\0"), f"expected {len(CONTENT)} bytes of noise, found at least {len(CONTENT) + 1}"),
    "empty": (serve(b""), f"expected {len(CONTENT)} bytes of noise, found 0"),
    "truncated": (cut_short, "IncompleteRead"),
    "silently truncated": (cut_short_silently, f"expected {len(CONTENT)} bytes of noise, found 1000"),
    "an HTML page": (send_a_page, "found 84, beginning with '<!DOCTYPE html>"),
    "404": (fail_with(404), "it answers 404 Not Found"),
    "503": (fail_with(503), "it answers 503 Service Unavailable"),
    "stalls": (stall, "no answer in time|timed out"),
    "never answers": (never_answer, "no answer in time"),
    "drips": (drip, "less than 1024 bytes per second over 0.5 s"),
    "endless": (send_without_end(bytes(2**16)), r"cut off: it sent more than \d+ bytes"),
    "endless gzip": (send_without_end(gzip.compress(b"")), r"cut off: it sent more than \d+ bytes"),
    "a gzip bomb": (serve(bomb()), f"found at least {len(CONTENT) + 1}"),
    "damaged gzip": (serve(damaged_gzip()), "it is damaged|expected"),
    "truncated gzip": (serve(gzip.compress(CONTENT)[:-10]), "it is damaged"),
    "a senseless length": (lie_about_the_length, "ValueError|InvalidHeader|ProtocolError|Content-Length"),
    "redirects away": (redirect_to("http://example.org/noise"), "redirects to http://example.org/noise, which is not"),
    "redirects forever": (redirect_to("/noise"), "redirects"),
    "redirects to a file": (redirect_to("file:///etc/hostname"), "redirects to file:///etc/hostname, which is not"),
}


SLOW_MIRRORS = {"stalls", "never answers", "drips"}


def noise(*urls, **changes):
    """Return the record of a made-up file with these mirrors."""
    return RemoteFile(**({"name": "noise", "size": len(CONTENT), "sha256": SHA256, "mirrors": urls} | changes))


def fetch(file, **options):
    (content,) = fetch_files("noise", [file], **{"timeout": 10.0, **options})
    return content.tobytes()


def names(folder):
    """Return what is in a folder, apart from the lock that stays there, and the note of a killed holder."""
    return sorted(path.name for path in Path(folder).iterdir() if not path.name.startswith(".lock"))


# Mirrors


@pytest.mark.parametrize(
    "body",
    [CONTENT, gzip.compress(CONTENT), gzip.compress(CONTENT[:99]) + gzip.compress(CONTENT[99:])],
    ids=["plain", "gzip", "gzip of two members"],
)
def test_downloads_once_and_keeps_what_it_got(mirrors, own_folder, body):
    """A file comes from its mirror, gzipped or not; the second time nobody is asked."""
    file = noise(mirrors.url("noise.gz", serve(body)))
    assert fetch(file) == CONTENT
    assert (own_folder / "noise").read_bytes() == CONTENT
    assert names(own_folder) == ["noise"]
    assert fetch(file, download=False) == CONTENT
    assert mirrors.asked == ["/noise.gz"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", BAD_MIRRORS)
def test_a_bad_mirror_is_named_with_its_reason_and_the_next_one_is_asked(mirrors, own_folder, kind):
    """When no mirror is left, the error has a reason for each, and nothing is kept."""
    answer, reason = BAD_MIRRORS[kind]
    url = mirrors.url("noise", answer)
    timeout = 0.5 if kind in SLOW_MIRRORS else 10.0
    with pytest.raises(DownloadError, match=f"  {url}: .*({reason})"):
        fetch(noise(url), timeout=timeout)
    assert names(own_folder) == []
    mirrors.asked.clear()
    file = noise(url, mirrors.url("good", serve(CONTENT)), mirrors.url("unused", serve(CONTENT)))
    assert fetch(file, timeout=timeout) == CONTENT
    assert mirrors.asked[0] == "/noise"
    assert mirrors.asked[-1] == "/good"
    assert names(own_folder) == ["noise"]


def test_a_refused_connection_is_a_reason(mirrors):
    """A mirror that nobody runs is passed over."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/noise"
        with pytest.raises(DownloadError, match=f"{dead}: ConnectionRefusedError"):
            fetch(noise(dead))
        assert fetch(noise(dead, mirrors.url("noise", serve(CONTENT)))) == CONTENT


def test_an_unreachable_host_is_not_asked_first_again(mirrors):
    """Four files must not wait four times for the same dead host."""
    hosts = {"dead": (never_answer, "localhost"), "good": (serve(CONTENT), "127.0.0.1")}
    files = [
        noise(*(mirrors.url(f"{kind}/{name}", *hosts[kind]) for kind in hosts), name=name) for name in ("one", "two")
    ]
    fetch_files("noise", files, timeout=0.5)
    assert mirrors.asked == ["/dead/one", "/good/one", "/good/two"]


def test_follows_a_redirect_that_is_safe(mirrors):
    """A mirror may send us elsewhere as long as that is allowed too."""
    good = mirrors.url("good", serve(CONTENT))
    assert fetch(noise(mirrors.url("noise", redirect_to(good)))) == CONTENT


def test_a_mirror_that_packs_on_the_way_is_understood(mirrors):
    """Packed files are not to be packed again, and a mirror that does so all the same is no obstacle."""
    wanted = []

    def pack(request):
        wanted.append(request.headers["Accept-Encoding"])
        body = gzip.compress(CONTENT)
        request.begin(len(body), **{"Content-Encoding": "gzip"})
        request.wfile.write(body)

    assert fetch(noise(mirrors.url("noise", pack))) == CONTENT
    assert wanted == ["identity"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (as_npz(other=PIXELS), "no item named 'x.npy'"),
        (as_npz(x=PIXELS.astype(np.int64)), r"x holds int64 of shape \(60, 8, 8\)"),
        (as_npz(x=np.asfortranarray(PIXELS)), "rows of uint8 were expected"),
        (as_npz(x=PIXELS[::-1]), "expected noise with sha256"),
        (as_npz(x=np.zeros((9999, 8, 8), np.uint8)), "found at least"),
        (as_npz(x=PIXELS)[:-9], "it is damaged"),
        (CONTENT, "it is damaged"),
    ],
)
def test_an_npz_copy_with_something_else_is_refused(tmp_path, body, reason):
    """An .npz with the wrong member, type, order, pixels or size is a wrong file like any other."""
    put(tmp_path, "all.npz", body)
    with (
        pytest.warns(UserWarning, match=f"all.npz#x is not used for the data set 'noise': .*{reason}"),
        pytest.raises(DownloadError, match=f"all.npz#x: .*{reason}"),
    ):
        fetch(noise(copies=[f"{tmp_path.as_posix()}/all.npz#x"]), download=False)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress), st.sampled_from(["", "x"]))
def test_nothing_but_the_content_is_ever_accepted(body, member):
    """Any bytes give the content that the record describes, or the internal error that says why not."""
    file = RemoteFile(name="seven", size=1, sha256=hashlib.sha256(b"7").hexdigest(), mirrors=())
    try:
        content = verify(unpack(io.BytesIO(body), member, file), file)
    except UnfitError:
        return
    assert content == b"7"


# Addresses


@pytest.mark.parametrize(
    ("url", "coming_from", "allowed"),
    [
        ("https://example.org/a", None, True),
        ("https://example.org/a", "https://example.com/a", True),
        ("https://example.org/a", "http://127.0.0.1/a", True),
        ("HTTPS://example.org/a", None, True),
        ("http://127.0.0.1:8000/a", None, True),
        ("http://[::1]:8000/a", None, True),
        ("http://localhost/a", "http://localhost/b", True),
        ("http://127.0.0.1/a", "https://example.org/a", False),
        ("http://example.org/a", None, False),
        ("http://example.org/a", "https://example.org/a", False),
        ("http://127.0.0.1.example.org/a", None, False),
        ("http://localhost@example.org/a", None, False),
        ("ftp://example.org/a", None, False),
        ("file:///etc/hostname", None, False),
        ("example.org/a", None, False),
        ("", None, False),
    ],
)
def test_only_https_is_allowed_and_http_on_this_machine(url, coming_from, allowed):
    """There is no way from https to http, and none to another machine but https."""
    assert is_allowed(url, coming_from) is allowed


@pytest.mark.parametrize(
    "location", ["http://example.org/noise", "http://127.0.0.1/noise", "//example.org:80\\@x/n", "/n"]
)
def test_a_redirect_from_https_to_http_is_refused_before_it_is_followed(location):
    """The policy looks at the answer of the mirror itself, relative addresses included."""
    response = requests.Response()
    response.status_code, response.url = 302, "https://example.org/noise"
    response.headers["location"], response.raw = location, io.BytesIO()
    if location.startswith("http:"):
        with pytest.raises(MirrorError, match=f"it redirects to {location}, which is not allowed"):
            _check_redirection(response)
    else:
        _check_redirection(response)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "plain file name"),
        ({"name": "../noise"}, "plain file name"),
        ({"name": ".noise"}, "plain file name"),
        ({"name": "noise#x"}, "plain file name"),
        ({"size": 0}, "size of noise must be at least 1 byte; got 0"),
        ({"sha256": "ab"}, "sha256 of noise must be 64 lower-case hexadecimal digits; got 'ab'"),
        ({"sha256": "Z" * 64}, "64 lower-case hexadecimal digits"),
        (
            {"mirrors": ["http://example.org/noise"]},
            "must be an https address without '#'; got 'http://example.org/noise'",
        ),
        ({"mirrors": ["/etc/hostname"]}, "must be an https address"),
        ({"mirrors": ["https://example.org/all.npz#x"]}, "must be an https address without '#'"),
    ],
)
def test_a_record_that_cannot_be_meant_is_refused(changes, message):
    """A record is checked when it is written down, not when it is used."""
    with pytest.raises(SettingError, match=message):
        noise(**changes)


# Places


CONTAINERS = {
    "noise": CONTENT,
    "noise.gz": gzip.compress(CONTENT, 1),
    "all.npz": as_npz(x=PIXELS),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_container_of_the_content_counts(tmp_path, container):
    """The file itself, a gzipped copy and the array in an .npz are all used, and nothing is written."""
    folder = tmp_path / "data" / "noise"
    folder.mkdir(parents=True)
    (folder / container).write_bytes(CONTAINERS[container])
    file = noise(copies=["~/.keras/datasets/all.npz#x"])
    assert fetch(file, data_dir=tmp_path / "data", download=False) == CONTENT
    assert [path.name for path in folder.iterdir()] == [container]
    assert not (tmp_path / "home").exists()


def test_an_uncompressed_file_stays_on_the_disk(tmp_path):
    """What lies uncompressed on the disk is a memory map, and read-only."""
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "noise").write_bytes(CONTENT)
    (content,) = fetch_files("noise", [noise()], data_dir=tmp_path)
    assert isinstance(content, np.memmap)
    assert not content.flags.writeable


def put(folder, name="noise", content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def test_the_argument_wins_over_the_variable(tmp_path, monkeypatch):
    """data_dir= is looked at instead of LENETKIT_DATA; an empty variable is none."""
    put(tmp_path / "data" / "noise")
    monkeypatch.setenv("LENETKIT_DATA", str(tmp_path / "data"))
    assert fetch(noise(), download=False) == CONTENT
    with pytest.raises(DownloadError, match="elsewhere"):
        fetch(noise(), data_dir=tmp_path / "elsewhere", download=False)
    monkeypatch.setenv("LENETKIT_DATA", "")
    with pytest.raises(DownloadError, match="not on this machine"):
        fetch(noise(), download=False)


def test_the_home_folder_may_be_abbreviated(tmp_path, monkeypatch):
    """A leading ~ means the same in the argument and in the variable."""
    put(tmp_path / "home" / "data" / "noise")
    assert fetch(noise(), data_dir="~/data", download=False) == CONTENT
    monkeypatch.setenv("LENETKIT_DATA", "~/data")
    assert fetch(noise(), download=False) == CONTENT


UNKNOWN_USER = """
import os, pwd, sys
for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "KERAS_HOME", "LENETKIT_DATA"):
    os.environ.pop(name, None)
def unknown(number):
    raise KeyError("getpwuid(): uid not found: 4711")
pwd.getpwuid = unknown
from lenetkit.datasets import fetch_files, RemoteFile
from lenetkit.exceptions import DownloadError
record = RemoteFile(name="a", size=3, sha256=sys.argv[1], mirrors=["https://none.invalid/a"], copies=["~/.keras/a"])
print(fetch_files("letters", [record], data_dir=sys.argv[2], download=False)[0].tolist())
try:
    fetch_files("others", [record])
except DownloadError as error:
    print("this user has no home folder" in str(error), os.listdir("."))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="knows users otherwise")
def test_a_user_without_a_home_has_the_files_of_a_named_folder(tmp_path):
    """As in a bare container; and no folder called ~ is made."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a").write_bytes(b"ABC")
    (tmp_path / "empty").mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", UNKNOWN_USER, hashlib.sha256(b"ABC").hexdigest(), str(tmp_path)],
        cwd=tmp_path / "empty",
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "[65, 66, 67]\nTrue []\n", answer.stderr


@pytest.mark.parametrize("option", ["argument", "variable"])
def test_downloads_go_to_the_folder_that_the_user_names(mirrors, tmp_path, monkeypatch, own_folder, option):
    """A data folder that is not there yet is made, and lenetkit's own folder is not."""
    if option == "variable":
        monkeypatch.setenv("LENETKIT_DATA", str(tmp_path / "new" / "data"))
    data_dir = tmp_path / "new" / "data" if option == "argument" else None
    assert fetch(noise(mirrors.url("noise", serve(CONTENT))), data_dir=data_dir) == CONTENT
    assert names(tmp_path / "new" / "data" / "noise") == ["noise"]
    assert not own_folder.exists()


def test_what_was_downloaded_before_is_found_whatever_folder_is_named(tmp_path, own_folder):
    """A file in lenetkit's own folder is used before a mirror is asked."""
    put(own_folder)
    assert fetch(noise(), data_dir=tmp_path / "data", download=False) == CONTENT


@pytest.mark.parametrize("keras_home", [None, "elsewhere"])
def test_the_cache_of_keras_is_found_where_keras_puts_it(tmp_path, monkeypatch, keras_home):
    """Keras' own copy is used; KERAS_HOME moves it."""
    if keras_home:
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / keras_home))
    home = tmp_path / keras_home if keras_home else tmp_path / "home" / ".keras"
    folder = put(home / "datasets", "noise.npz", as_npz(x=PIXELS))
    assert fetch(noise(copies=["~/.keras/datasets/noise.npz#x"]), download=False) == CONTENT
    assert names(folder) == ["noise.npz"]


WRONG = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


@pytest.mark.parametrize(
    ("name", "content"),
    [("noise", WRONG), ("noise", CONTENT[:-1]), ("noise.gz", WRONG), ("noise.gz", damaged_gzip())],
    ids=["wrong", "cut off", "not packed", "damaged"],
)
def test_a_wrong_file_of_the_user_is_reported_and_never_replaced(mirrors, tmp_path, own_folder, name, content):
    """The user's file stays as it is; the right one goes where it replaces nothing."""
    folder = put(tmp_path / "data" / "noise", name, content)
    file = noise(mirrors.url("good", serve(CONTENT)))
    with pytest.warns(
        UserWarning, match=rf"{name} is not used for the data set 'noise': .*(expected .* found|damaged)"
    ):
        assert fetch(file, data_dir=tmp_path / "data") == CONTENT
    assert (folder / name).read_bytes() == content
    assert names(folder) == sorted({"noise", name})
    assert own_folder.exists() == (name == "noise")
    assert mirrors.asked == ["/good"]


def test_a_wrong_file_in_our_own_folder_is_reported_and_replaced(mirrors, own_folder):
    """What lenetkit keeps for itself is mended."""
    put(own_folder, content=WRONG)
    with pytest.warns(UserWarning, match=f"expected noise with sha256 {SHA256}, found "):
        assert fetch(noise(mirrors.url("noise", serve(CONTENT)))) == CONTENT
    assert (own_folder / "noise").read_bytes() == CONTENT
    assert names(own_folder) == ["noise"]


def test_a_wrong_file_does_not_hide_a_right_one(tmp_path, own_folder):
    """Each place is tried before a mirror is asked."""
    put(tmp_path / "data" / "noise", content=WRONG)
    put(own_folder, "noise.gz", gzip.compress(CONTENT))
    with pytest.warns(UserWarning, match="is not used"):
        assert fetch(noise(), data_dir=tmp_path / "data", download=False) == CONTENT


def test_a_folder_of_the_files_name_is_reported_and_left_alone(mirrors, tmp_path):
    """Some archives unpack to folders with the names of the files."""
    (tmp_path / "data" / "noise" / "noise").mkdir(parents=True)
    with pytest.warns(UserWarning, match="it is not a file"):
        assert fetch(noise(mirrors.url("noise", serve(CONTENT))), data_dir=tmp_path / "data") == CONTENT
    assert (tmp_path / "data" / "noise" / "noise").is_dir()


def test_the_error_names_every_place_every_reason_and_the_way_out(mirrors, tmp_path, own_folder):
    """Whoever reads the error knows what was tried and what to do."""
    put(tmp_path / "data" / "noise", "noise.gz", b"\x1f\x8bnonsense")
    urls = [mirrors.url("noise", fail_with(404)), mirrors.url("other", send_a_page)]
    file = noise(*urls, copies=["/nowhere/noise.npz#x"])
    with (
        pytest.warns(UserWarning, match="is not used"),
        pytest.raises(DownloadError, match="data set 'noise' needs noise: not on") as caught,
    ):
        fetch(file, data_dir=tmp_path / "data")
    message = str(caught.value)
    for part in (
        f"{tmp_path / 'data' / 'noise'}: no noise, other",
        f"{own_folder}: no noise, noise.gz, other",
        f"{Path('/nowhere')}: no noise.npz#x",
        f"{tmp_path / 'data' / 'noise' / 'noise.gz'}: it is damaged",
        f"{urls[0]}: it answers 404",
        f"{urls[1]}: expected {len(CONTENT)} bytes of noise, found 84",
        "LENETKIT_DATA",
        "data_dir=",
        "--dataset digits",
    ):
        assert part in message


def test_without_download_no_mirror_is_asked(mirrors, own_folder):
    """download=False says so in the error, and leaves no trace."""
    with pytest.raises(DownloadError, match="not asked, because download=False"):
        fetch(noise(mirrors.url("noise", serve(CONTENT))), download=False)
    assert mirrors.asked == []
    assert not own_folder.exists()


def test_a_data_folder_that_cannot_be_written_is_no_obstacle(mirrors, tmp_path, own_folder):
    """The download goes to lenetkit's own folder then."""
    (tmp_path / "data").write_bytes(b"a file in the place of a folder")
    assert fetch(noise(mirrors.url("noise", serve(CONTENT))), data_dir=tmp_path / "data") == CONTENT
    assert names(own_folder) == ["noise"]


def test_without_any_folder_to_write_to_the_error_says_so(mirrors, tmp_path):
    """Nothing is downloaded that could not be kept."""
    for name in ("data", "home"):
        (tmp_path / name).write_bytes(b"a file in the place of a folder")
    with pytest.raises(DownloadError, match=r"no folder to keep it in: .*data.*; .*home.*name another folder"):
        fetch(noise(mirrors.url("noise", serve(CONTENT))), data_dir=tmp_path / "data")
    assert mirrors.asked == []


# Processes

PREPARE = """
import json, os, signal, sys, time
from pathlib import Path
from lenetkit.datasets._fetch.mirrors import fetch_files
from lenetkit.datasets._fetch.records import RemoteFile

records, data_dir, extra = sys.argv[1:]
files = [RemoteFile(**record) for record in json.loads(records)]
"""
FETCH = """
print([content.tobytes()[-8:].hex() for content in fetch_files("noise", files, data_dir=data_dir or None)])
"""
WAIT = """
print("ready", flush=True)
while not Path(extra).exists():
    time.sleep(0.001)
"""
NO_SOCKETS = """
def refuse(event, arguments):
    if event.startswith("socket."):
        os._exit(3)

sys.addaudithook(refuse)
"""
KILL_AT_STEP = """
def kill(event, arguments):
    if event == "lenetkit._utils.files" and arguments[0] == extra:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
"""


def start(*script, files, data_dir="", extra="", **options):
    """Start a fresh process that fetches files."""
    records = json.dumps([attrs.asdict(file) for file in files])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE + "".join(script), records, str(data_dir), str(extra)],
        env=environment,
        stdin=subprocess.DEVNULL,
        text=True,
        **{"stdout": subprocess.PIPE, **options},
    )


@pytest.mark.slow
def test_eight_processes_at_once_download_once(mirrors, tmp_path, own_folder):
    """One process asks the mirror for each file, seven wait for it, and all have the data."""

    def serve_slowly(request):
        time.sleep(0.2)  # so that all eight come while the first is still at it
        serve(CONTENT)(request)

    files = [noise(mirrors.url(name, serve_slowly), name=name) for name in ("one", "two")]
    processes = [start(WAIT, FETCH, files=files, extra=tmp_path / "go") for _ in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    answers = {process.communicate(timeout=300)[0] for process in processes}
    assert answers == {f"{[CONTENT[-8:].hex()] * 2}\n"}
    assert sorted(mirrors.asked) == ["/one", "/two"]
    assert names(own_folder) == ["one", "two"]


@pytest.mark.parametrize("present", ["in the data folder", "in the cache of Keras", "nowhere"])
def test_no_socket_is_opened_for_what_is_here_or_not_wanted(tmp_path, present):
    """A process that would end at its first socket gets its data, or the error, without one."""
    if present == "in the data folder":
        put(tmp_path / "data" / "noise")
    if present == "in the cache of Keras":
        put(tmp_path / "home" / ".keras" / "datasets", "all.npz", as_npz(x=PIXELS))
    file = noise("https://example.org/noise", copies=["~/.keras/datasets/all.npz#x"])
    fetching = FETCH if present != "nowhere" else FETCH.replace("data_dir=", "download=False, data_dir=")
    process = start(NO_SOCKETS, fetching, files=[file], data_dir=tmp_path / "data", stderr=subprocess.PIPE)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == (1 if present == "nowhere" else 0)
    assert ("DownloadError" in errors) == (present == "nowhere")
    assert (output == f"{[CONTENT[-8:].hex()]}\n") == (present != "nowhere")


def test_the_check_for_sockets_can_fail(mirrors, tmp_path):
    """The process of the test above does end when it has to download."""
    process = start(NO_SOCKETS, FETCH, files=[noise(mirrors.url("noise", serve(CONTENT)))])
    process.communicate(timeout=300)
    assert process.returncode == 3


@needs_signals
def test_after_a_kill_in_mid_download_the_next_run_has_the_data(mirrors, own_folder):
    """Nothing half is left, no lock is left, and the next run downloads."""
    begun = threading.Event()

    def stop_half_way(request):
        if begun.is_set():
            return serve(CONTENT)(request)
        request.begin(len(CONTENT))
        request.wfile.write(CONTENT[:3000])
        request.wfile.flush()
        begun.set()
        return request.server.closing.wait(20)

    file = noise(mirrors.url("noise", stop_half_way))
    process = start(FETCH, files=[file])
    assert begun.wait(300)
    process.kill()
    process.communicate(timeout=300)
    assert fetch(file) == CONTENT
    assert names(own_folder) == ["noise"]


@needs_signals
@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("clean", "done")])
def test_after_a_kill_while_the_file_is_written_the_next_run_has_the_data(mirrors, own_folder, step):
    """Killed at any step of writing, the next run has the right file and no litter."""
    file = noise(mirrors.url("noise", serve(CONTENT)))
    process = start(KILL_AT_STEP, FETCH, files=[file], extra=step)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert fetch(file) == CONTENT
    assert names(own_folder) == ["noise"]


@pytest.mark.slow
@needs_signals
def test_a_progress_bar_is_shown_on_a_terminal_only(mirrors):
    """A person sees how far it is; a script's error output stays empty."""
    import pty

    file = noise(mirrors.url("noise", serve(CONTENT)))
    process = start(FETCH, files=[file], stderr=subprocess.PIPE)
    assert process.communicate(timeout=300)[1] == ""
    shutil.rmtree(Path(os.environ["HOME"]))
    ours, theirs = pty.openpty()
    process = start(FETCH, files=[file], stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    process.communicate(timeout=300)
    assert b"noise: noise" in shown
    assert b"3.9/3.9 kB" in shown


# Data sets


def small_set(base="https://example.org/", **changes):
    """Return the record of a made-up data set of four IDX files, and their contents."""
    random = np.random.default_rng(1)
    arrays = {
        "train_images": random.integers(0, 256, (7, 5, 4), np.uint8),
        "train_labels": np.arange(7, dtype=np.uint8) % 3,
        "test_images": random.integers(0, 256, (3, 5, 4), np.uint8),
        "test_labels": np.arange(3, dtype=np.uint8),
    }
    contents = {name: as_idx(array) for name, array in (arrays | changes).items()}
    files = {
        name: RemoteFile(
            name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest(), mirrors=[base + name]
        )
        for name, content in contents.items()
    }
    return RemoteIdx(name="small", class_names="abc", **files), contents, arrays


@pytest.mark.parametrize(("subset", "parts"), [("train", ["train"]), ("test", ["test"]), ("all", ["train", "test"])])
def test_a_data_set_of_ones_own_takes_a_few_lines(mirrors, subset, parts):
    """A record and a decorated function are a data set; only the files of the part wanted are fetched."""
    small, contents, arrays = small_set(mirrors.url("", None))
    for name, content in contents.items():
        mirrors.url(name, serve(gzip.compress(content)))

    @register_dataset("small", description="A few small pictures.", epochs=3)
    def load(*, subset, data_dir, download):
        return small.load(subset=subset, data_dir=data_dir, download=download)

    try:
        dataset = load_dataset("small", subset=subset)
    finally:
        registry.unregister("small")
    np.testing.assert_array_equal(dataset.images, np.concatenate([arrays[f"{part}_images"] for part in parts]))
    np.testing.assert_array_equal(dataset.labels, np.concatenate([arrays[f"{part}_labels"] for part in parts]))
    assert (dataset.name, dataset.class_names, dataset.epochs) == ("small", ("a", "b", "c"), 3)
    assert sorted(mirrors.asked) == sorted(f"/{part}_{kind}" for part in parts for kind in ("images", "labels"))


def test_a_record_of_something_that_is_not_idx_is_an_error(tmp_path):
    """A hash that fits a file of another format is the record's mistake, and said to be."""
    small, contents, _ = small_set()
    for name, content in contents.items():
        put(tmp_path / "small", name, content)
    odd = RemoteFile(name="odd", size=9, sha256=hashlib.sha256(b"not an id").hexdigest(), mirrors=())
    put(tmp_path / "small", "odd", b"not an id")
    with pytest.raises(DataError, match="odd must be an IDX file of unsigned bytes"):
        attrs.evolve(small, test_labels=odd).load(data_dir=tmp_path)


def test_an_unknown_part_is_an_error():
    """A part that does not exist is noticed before anything is looked for."""
    with pytest.raises(SettingError, match="subset must be one of 'all', 'train', 'test'; got 'half'"):
        small_set()[0].load(subset="half")


@pytest.mark.parametrize("record", [MNIST, FASHION_MNIST], ids=lambda record: record.name)
def test_the_records_of_the_built_in_sets_are_complete(record):
    """Both have the shape of MNIST, several mirrors for each file, and five epochs."""
    assert record.name in list_datasets()
    assert dataset_info(record.name).epochs == 5
    assert len(record.class_names) == 10
    assert record.train_images.size == 16 + 60_000 * 28 * 28
    assert record.train_labels.size == 8 + 60_000
    assert record.test_images.size == 16 + 10_000 * 28 * 28
    assert record.test_labels.size == 8 + 10_000
    for file in (record.train_images, record.train_labels, record.test_images, record.test_labels):
        assert len({url.split("/")[2] for url in file.mirrors}) >= 2
        assert all(url.startswith("https://") for url in file.mirrors)


MD5 = {
    "train": ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
    "test": ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
}


@pytest.mark.parametrize("part", ["train", "test"])
def test_mnist_is_the_published_mnist(shared_data, part):
    """The pixels and labels of each part have the MD5 sums that are published for them."""
    dataset = load_dataset("mnist", subset=part, data_dir=shared_data, download=False)
    contents = as_idx(np.asarray(dataset.images)), as_idx(dataset.labels.astype(np.uint8))
    assert tuple(hashlib.md5(content).hexdigest() for content in contents) == MD5[part]
    assert dataset.class_names == tuple("0123456789")


def test_all_of_mnist_is_train_then_test(shared_data):
    """70,000 digits, the official test part last, read from a folder where nothing is written."""
    before = sorted((shared_data / "mnist").iterdir())
    everything, test = (
        load_dataset("mnist", subset=subset, data_dir=shared_data, download=False) for subset in ("all", "test")
    )
    assert everything.images.shape == (70_000, 28, 28)
    np.testing.assert_array_equal(everything.images[60_000:], test.images)
    np.testing.assert_array_equal(everything.labels[60_000:], test.labels)
    assert sorted((shared_data / "mnist").iterdir()) == before


def test_mnist_packed_again_is_still_mnist(shared_data, tmp_path):
    """Another compression, another time stamp: the content decides."""
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        content = gzip.decompress((shared_data / "mnist" / name).read_bytes())
        put(tmp_path / "mnist", name, gzip.compress(content, 1, mtime=1))
    assert len(load_dataset("mnist", subset="test", data_dir=tmp_path, download=False)) == 10_000


@pytest.mark.parametrize("folder", ["home/.keras/datasets", "data/mnist"])
def test_keras_file_of_mnist_is_found(shared_data, tmp_path, folder):
    """Who has used Keras before has nothing to download, whether the file lies in its cache or in the data folder."""
    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    cache = as_npz(x_test=np.asarray(test.images), y_test=test.labels.astype(np.uint8))
    put(tmp_path / folder, "mnist.npz", cache)
    found = load_dataset("mnist", subset="test", data_dir=tmp_path / "data", download=False)
    assert found.fingerprint == test.fingerprint


def test_fashion_mnist_of_debians_package_is_found():
    """Debian's copy is verified and used where it is installed."""
    if not Path("/usr/share/datasets/fashion-mnist").is_dir():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    dataset = load_dataset("fashion_mnist", subset="test", download=False)
    assert dataset.images.shape == (10_000, 28, 28)
    assert dataset.class_names[dataset.labels[0]] == "Ankle boot"

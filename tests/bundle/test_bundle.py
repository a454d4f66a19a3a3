"""The saved file: round trips, every kind of damage, hostile files."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.bundle import (
    FORMAT,
    Bundle,
    History,
    Rejection,
    decode_bundle,
    encode_bundle,
    read_bundle,
    read_file,
    verify_bundle,
    write_bundle,
)
from lenetkit.bundle import _file as bundle_file
from lenetkit.bundle._container import pack
from lenetkit.exceptions import BundleError, DataError

SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"
GOOD = SAMPLE.read_bytes()

# More for a long run: LENETKIT_FUZZ_EXAMPLES=100000 pytest tests/bundle/test_bundle.py -k fuzz
FUZZ = settings(max_examples=int(os.environ.get("LENETKIT_FUZZ_EXAMPLES", "150")), deadline=None)


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest_of(content: bytes) -> dict[str, Any]:
    return json.loads(members_of(content)["manifest.json"])


def forged(change: Callable[[dict[str, Any]], Any] | None = None, **replaced: bytes) -> bytes:
    """Return the sample, changed, with every hash and size put right: what somebody would make who knows the format."""
    names = {"weights": "weights.safetensors", "model": "model.tflite", "golden": "golden.safetensors"}
    members = members_of(GOOD) | {names[key]: content for key, content in replaced.items()}
    manifest = json.loads(members.pop("manifest.json"))
    del members["manifest.sha256"]
    for name, content in members.items():
        manifest["members"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    if change is not None:
        change(manifest)
    text = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    return with_manifest(text.encode("utf-8", "surrogatepass"), members)


def with_manifest(text: bytes, members: dict[str, bytes] | None = None) -> bytes:
    if members is None:
        members = {name: content for name, content in members_of(GOOD).items() if not name.startswith("manifest")}
    checksum = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
    return pack({"manifest.json": text, "manifest.sha256": checksum, **members})


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change that sets ``manifest[path[0]][path[1]]...`` to a value."""

    def change(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def sample() -> Bundle:
    return decode_bundle(GOOD)


# Round trips


def test_the_sample_of_format_1_is_read_and_answers_as_it_did() -> None:
    """Files of every released format stay readable: this one was written with format 1 and never is written again."""
    bundle = read_bundle(SAMPLE)
    assert (bundle.model, bundle.model_distribution, bundle.n_classes) == ("one_layer", "lenetkit-example", 3)
    assert bundle.encoder["classes"] == ["drei", "eins", "zwölf"]
    assert [transform["name"] for transform in bundle.transforms] == ["grayscale", "resize", "rescale"]
    assert list(bundle.weights) == ["output/kernel", "output/bias"]
    assert bundle.extras == {"temperature": 1.25}
    np.testing.assert_array_equal(bundle.extra_tensors["novelty/mean"], np.arange(3, dtype=np.float32))
    assert verify_bundle(bundle) < 1e-6


def test_writing_the_same_bundle_twice_gives_identical_bytes(tmp_path: Path) -> None:
    """Neither clock nor order of dict keys gets into the file."""
    bundle = sample()
    turned = attrs.evolve(bundle, metrics=dict(reversed(bundle.metrics.items())))
    write_bundle(tmp_path / "a.lenet", bundle)
    write_bundle(tmp_path / "b.lenet", turned)
    assert (tmp_path / "a.lenet").read_bytes() == (tmp_path / "b.lenet").read_bytes() == encode_bundle(bundle)


@pytest.mark.skipif(FORMAT != 1, reason="the sample has format 1")
def test_reading_and_writing_again_changes_nothing() -> None:
    """Nothing is lost on the way through a Bundle."""
    assert encode_bundle(decode_bundle(GOOD)) == GOOD


def test_what_is_optional_comes_back_as_it_went() -> None:
    """History, provenance, reference and rejection, beside what nobody knows; the second file equals the first."""
    bundle = attrs.evolve(
        sample(),
        history=History(epochs=2, columns={"loss": np.array([0.5, np.nan]), "steps": np.array([3, 6])}),
        provenance={"data": "0" * 64},
        reference={"version": 1, "n": 3},
        rejection=Rejection(
            temperature=0.5,
            levels=np.array([0.9, 0.5], np.float32),
            risks=np.array([0.1, 0.2], np.float32),
            true_probabilities=np.array([0.3], np.float32),
            gate_tflite=b"\0\0\0\0TFL3",
            gate_threshold=0.25,
        ),
    )
    content = encode_bundle(bundle)
    back = decode_bundle(content)
    assert sorted(manifest_of(content)["extras"]) == ["reference", "rejection", "temperature", "training"]
    assert (back.extras, list(back.extra_tensors)) == ({"temperature": 1.25}, ["novelty/mean"])
    assert (back.provenance, back.reference) == (bundle.provenance, bundle.reference)
    assert back.history is not None
    assert list(back.history.columns) == ["loss", "steps"]
    np.testing.assert_array_equal(back.history.columns["loss"], [0.5, np.nan])
    assert repr(back.rejection) == repr(bundle.rejection)
    assert encode_bundle(back) == content


def test_a_file_is_read_once_with_all_that_is_in_it() -> None:
    """Content, manifest and members come along, for who shows them."""
    file = read_file(SAMPLE)
    assert file.content == GOOD
    assert file.manifest == manifest_of(GOOD)
    assert file.members == members_of(GOOD)


def test_other_programs_can_open_the_file() -> None:
    """It is an ordinary zip file; the checksum is what sha256sum --check expects."""
    with zipfile.ZipFile(SAMPLE) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        digest, name = archive.read("manifest.sha256").decode().split()
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
plain_dicts = st.dictionaries(texts, plain_values, max_size=4)
arrays = st.builds(
    lambda shape, dtype, seed: np.random.default_rng(seed).integers(0, 100, shape).astype(dtype),
    st.lists(st.integers(1, 3), max_size=3).map(tuple),
    st.sampled_from(["f4", "f2", "f8", "i4", "u1", "i8", "?", ">f4"]),
    st.integers(0, 99),
)
tensor_dicts = st.dictionaries(st.text("abc/01_", min_size=1, max_size=9), arrays, max_size=4)


@settings(max_examples=60, deadline=None)
@given(metrics=plain_dicts, extras=plain_dicts, options=plain_dicts, weights=tensor_dicts, extra_tensors=tensor_dicts)
def test_any_plain_values_and_arrays_come_back_as_they_went(
    metrics: Any, extras: Any, options: Any, weights: Any, extra_tensors: Any
) -> None:
    """What goes into a file comes out, in its order, and the second file equals the first."""
    bundle = attrs.evolve(
        sample(), metrics=metrics, extras=extras, model_options=options, weights=weights, extra_tensors=extra_tensors
    )
    content = encode_bundle(bundle)
    back = decode_bundle(content)
    assert (back.metrics, back.extras, back.model_options) == (metrics, extras, options)
    assert list(back.weights) == list(weights)
    for went, came in ((weights, back.weights), (extra_tensors, back.extra_tensors)):
        assert set(came) == set(went)
        for name, array in went.items():
            np.testing.assert_array_equal(came[name], array, strict=array.dtype.isnative)
    assert encode_bundle(back) == content


# Damage


def refused(content: bytes) -> str:
    """Return why the content is refused; fail if it is not."""
    try:
        decode_bundle(content)
    except BundleError as error:
        return str(error)
    pytest.fail("a damaged file was believed")


def test_a_flipped_bit_in_any_byte_is_detected() -> None:
    """Exhaustive: contents, zip headers, dates, attributes, directory and hashes."""
    for position in range(len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[position] ^= 1 << position % 8
        refused(bytes(damaged))


def test_every_bit_outside_the_contents_counts() -> None:
    """Exhaustive over all eight bits of what belongs to no member, which no SHA-256 covers."""
    covered = np.zeros(len(GOOD), dtype=bool)
    for content in members_of(GOOD).values():
        start = GOOD.index(content)
        covered[start : start + len(content)] = True
    assert 100 < (~covered).sum() < 1000
    for position in np.flatnonzero(~covered):
        for bit in range(8):
            damaged = bytearray(GOOD)
            damaged[position] ^= 1 << bit
            refused(bytes(damaged))


def test_every_truncation_is_detected() -> None:
    """Exhaustive: from the empty file to one byte too few."""
    for length in range(len(GOOD)):
        refused(GOOD[:length])


@pytest.mark.parametrize("more", [b"\0", b"x", GOOD, b"PK\5\6" + bytes(18)])
def test_an_appended_byte_is_detected(more: bytes) -> None:
    """At the end as well as in front."""
    assert "it must have" in refused(GOOD + more)
    refused(more + GOOD)


@pytest.mark.parametrize("name", ["weights.safetensors", "model.tflite", "golden.safetensors", "manifest.sha256"])
def test_a_missing_member_is_named(name: str) -> None:
    """Taken out of the zip file, which is otherwise sound."""
    members = members_of(GOOD)
    del members[name]
    content = pack(members)
    assert (name if name == "manifest.sha256" else "it must have") in refused(content)


def test_a_member_that_was_changed_is_named() -> None:
    """By the hash in the manifest."""
    members = members_of(GOOD)
    members["model.tflite"] = members["model.tflite"][:-1] + b"\1"
    assert "model.tflite does not have the SHA-256" in refused(pack(members))


def test_two_swapped_members_are_detected() -> None:
    """In their place in the file, or under each other's name."""
    members = members_of(GOOD)
    swapped = dict(members)
    swapped["weights.safetensors"], swapped["golden.safetensors"] = (
        members["golden.safetensors"],
        members["weights.safetensors"],
    )
    refused(pack(swapped))
    names = list(members)
    names[2], names[3] = names[3], names[2]
    assert "is not where it must be" in refused(pack({name: members[name] for name in names}))


def test_a_manifest_that_was_changed_is_named() -> None:
    """Even where the change leaves sound JSON."""
    members = members_of(GOOD)
    members["manifest.json"] = members["manifest.json"].replace(b'"n": 120', b'"n": 121')
    assert "manifest.json does not have the SHA-256" in refused(pack(members))


def test_a_compressed_copy_is_refused() -> None:
    """A zip program that packs the members again makes another file of it."""
    again = BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(GOOD).items():
            archive.writestr(name, content)
    refused(again.getvalue())


# Versions


def test_a_newer_format_says_which_version_is_needed() -> None:
    """The two keys that say so keep their meaning in every format."""
    newer = forged(lambda manifest: manifest.update(format=FORMAT + 1, needs_lenetkit="7.1.0", something="new"))
    assert 'pip install --upgrade "lenetkit>=7.1.0"' in refused(newer)


def test_older_formats_are_migrated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function takes the manifest and the members one format further."""

    def rename_data(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["extras"] = {"step": 1}

    def drop_tensors(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["extras"]["step"] += 1
        del members["extras.safetensors"]

    monkeypatch.setattr(bundle_file, "FORMAT", 3)
    monkeypatch.setattr(bundle_file, "MIGRATIONS", {1: rename_data, 2: drop_tensors})
    bundle = decode_bundle(GOOD)
    assert bundle.extras == {"step": 2}
    assert not bundle.extra_tensors
    assert manifest_of(encode_bundle(bundle))["format"] == 3


# What a bundle cannot hold


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_on_both_ways(bad: float) -> None:
    """Such a model answers nothing but NaN."""
    weights = dict(sample().weights)
    weights["output/bias"] = np.array([0, bad, 0], dtype=np.float32)
    with pytest.raises(BundleError, match=r"weights\['output/bias'\] holds NaN or infinite values"):
        attrs.evolve(sample(), weights=weights)
    assert "output/bias" in refused(forged(weights=safetensors.numpy.save(weights)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": {"loss": float("nan")}}, r"metrics\['loss'\] must be a plain value: .* got nan \(float\)"),
        ({"metrics": {"accuracy": np.float32(1)}}, r"metrics\['accuracy'\] must be a plain value: .*\(float32\)"),
        ({"metrics": {7: 0.9}}, r"metrics must have strings as keys; got 7"),
        ({"metrics": {"big": 2**63}}, r"metrics\['big'\]"),
        ({"data": {"name": "\ud800"}}, r"data\['name'\]"),
        ({"extras": {"deep": nested(40)}}, r"nested more than 32 levels deep"),
        ({"encoder": [1]}, r"encoder must be a dict; got \[1\]"),
        ({"model": "../x"}, r"model must be letters, digits.* got '\.\./x'"),
        ({"model_distribution": ""}, r"model_distribution must be letters"),
        ({"transforms": [{"settings": {}}]}, r"transforms\[0\]\['name'\] must be letters.* got None"),
        ({"transforms": ["resize"]}, r"transforms\[0\] must be a dict"),
        ({"input_shape": (4, 4)}, r"input_shape must be three positive integers; got \(4, 4\)"),
        ({"input_shape": (4096, 4096, 2)}, r"input_shape must not exceed"),
        ({"n_classes": 0}, r"n_classes must be an integer"),
        ({"n_classes": 4}, r"golden_probabilities must be float32 of shape \(2, 4\)"),
        ({"versions": {"keras": 3}}, r"versions\['keras'\] must be a string; got 3"),
        ({"weights": {"": np.ones(1)}}, r"weights must be named by printable strings"),
        ({"weights": {"a": np.array(["x"])}}, r"weights\['a'\] must be an array of numbers; got dtype\('<U1'\)"),
        ({"weights": {"a": [1.0]}}, r"weights\['a'\] must be an array of numbers"),
        ({"weights": {"a": np.empty(0)}}, r"weights\['a'\] is empty"),
        ({"tflite": b"nothing"}, r"tflite must be the bytes of a LiteRT model"),
        ({"golden_images": np.ones((0, 4, 4, 1), np.float32)}, r"golden_images must be an array of 1 to 1000"),
        ({"golden_images": np.ones((2, 4, 4, 1))}, r"golden_images must be float32 of shape"),
        ({"history": History(epochs=0, columns={})}, r"the provenance must be a table of settings"),
        ({"provenance": {"seed": "0"}}, r"provenance needs a history: give both or neither"),
        ({"reference": [1]}, r"reference must be a dict; got \[1\]"),
        ({"extras": {"training": {}}}, r"extras must not hold 'training'"),
    ],
)
def test_a_value_that_a_file_cannot_hold_is_named(changes: dict[str, Any], message: str) -> None:
    """When the bundle is made, not when it is read."""
    with pytest.raises(BundleError, match=message):
        attrs.evolve(sample(), **changes)


def test_too_many_plain_values_are_refused_when_saving() -> None:
    """What is saved can be read again."""
    with pytest.raises(BundleError, match="at most 1,048,576 are accepted"):
        encode_bundle(attrs.evolve(sample(), metrics={"all": ["x" * 1000] * 1100}))


def test_a_model_that_lost_its_answers_is_not_verified() -> None:
    """The golden inputs find weights and LiteRT model that do not belong together."""
    with pytest.raises(BundleError, match=r"a probability is off by"):
        verify_bundle(attrs.evolve(sample(), golden_probabilities=sample().golden_probabilities[::-1].copy()))
    with pytest.raises(BundleError, match=r"answers with 3 probabilities; there are 4 classes"):
        verify_bundle(attrs.evolve(sample(), n_classes=4, golden_probabilities=np.ones((2, 4), np.float32)))
    with pytest.raises(DataError, match="the LiteRT model cannot be used"):
        verify_bundle(attrs.evolve(sample(), tflite=b"\x1c\0\0\0TFL3" + bytes(100)))


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    """With the path in the message; a pipe is not waited for."""
    with pytest.raises(BundleError, match=r"cannot load .*absent\.lenet: there is no such file"):
        read_bundle(tmp_path / "absent.lenet")
    with pytest.raises(BundleError, match="it is a folder"):
        read_bundle(tmp_path)
    (tmp_path / "text.lenet").write_text("hello, this is no zip file")
    with pytest.raises(BundleError, match="it is not a saved pipeline"):
        read_bundle(tmp_path / "text.lenet")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(BundleError, match="it is not a file"):
            read_bundle(tmp_path / "pipe")


# Hostile files


def hostile_files() -> dict[str, bytes]:
    """Return files that no accident makes: sound hashes and sizes around content that means harm."""
    names = [
        "os.system",
        "../x",
        "/etc/passwd",
        "builtins.eval",
        "__import__('os')",
        "a\nb",
        "",
        "x" * 10_000,
        "\0",
        "\u202e",
    ]
    files = {}
    for number, name in enumerate(names):
        if number not in (0, 3):  # names like these are possible; nobody imports them
            files[f"model {number}"] = forged(put("model", "name", value=name))
            files[f"distribution {number}"] = forged(put("model", "distribution", value=name))
            files[f"transform {number}"] = forged(put("transforms", 0, "name", value=name))
        files[f"member {number}"] = forged(put("members", name, value={"sha256": "0" * 64, "size": 0}))
    for size in (10**9, 10**18, -1, 1.0, True, None, "1", [1], 2**63, 10**30):
        files[f"size {size}"] = forged(put("members", "model.tflite", "size", value=size))
    for value in (0, -1, 2**64, True, 1.5, "1", None, [], {}):
        files[f"format {value}"] = forged(put("format", value=value))
        files[f"n_classes {value}"] = forged(put("model", "n_classes", value=value))
        files[f"model {value}"] = forged(put("model", value=value))
        files[f"transforms {value}"] = forged(put("transforms", value=value or {"name": 1}))
        files[f"weights {value}"] = forged(put("weights", value=value))
    for key in ("data", "encoder", "metrics", "extras", "versions", "members"):
        files[f"no {key}"] = forged(lambda manifest, key=key: manifest.pop(key))
        files[f"{key} list"] = forged(put(key, value=[1]))
        files[f"{key} deep"] = forged(put(key, value={"x": nested(60)}))
    files["input shape"] = forged(put("model", "input_shape", value=[10**6, 10**6, 10**6]))
    files["input shape text"] = forged(put("model", "input_shape", value="441"))
    files["needs"] = forged(lambda manifest: manifest.update(format=9, needs_lenetkit="1.0; rm -rf /"))
    files["one key more"] = forged(put("__reduce__", value="os.system"))
    files["weights twice"] = forged(put("weights", value=["output/kernel", "output/kernel"]))
    files["digest"] = forged(put("members", "model.tflite", "sha256", value="f" * 64))
    files |= hostile_texts() | hostile_tensors() | hostile_containers()
    return files


def hostile_texts() -> dict[str, bytes]:
    good = members_of(GOOD)["manifest.json"]
    texts = {
        "brackets": b"[" * 1_000_000,
        "braces": b'{"a":' * 200_000,
        "closed deep": b"[" * 400_000 + b"]" * 400_000,
        "quotes": b'"\\' * 500_000,
        "flat": b"[" + b"[]," * 340_000 + b"[]]",
        "number": b'{"format": ' + b"9" * 1_000_000 + b"}",
        "float": b'{"format": 1' + b"0" * 1_000_000 + b".5}",
        "infinite": good.replace(b"0.975", b"1e999"),
        "nan": good.replace(b"0.975", b"NaN"),
        "twice": good.replace(b'"n": 120', b'"n": 120,\n  "n": 120'),
        "blank": good + b" ",
        "minified": json.dumps(json.loads(good), sort_keys=True).encode(),
        "escaped": good.replace("ö".encode(), b"\\u00f6"),
        "surrogate": good.replace("ö".encode(), b"\\ud800"),
        "not UTF-8": good.replace("ö".encode(), b"\xff"),
        "UTF-16": good.decode().encode("utf-16"),
        "mark": b"\xef\xbb\xbf" + good,
        "empty": b"",
        "null": b"null",
        "string": b'"x"',
        "large": b" " * (1 << 20) + good,
    }
    return {f"text {name}": with_manifest(text) for name, text in texts.items()}


def hostile_tensors() -> dict[str, bytes]:
    def tensors(header: Any, data: bytes = b"") -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data

    entry = {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}
    contents = {
        "empty": b"",
        "long header": (2**63).to_bytes(8, "little"),
        "header of 4 GB": (2**32).to_bytes(8, "little") + b"{}",
        "deep": tensors(b"[" * 100_000),
        "overflow": tensors({"a": entry}, bytes(4)),
        "bfloat16": tensors({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        "beyond the end": tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(4)),
        "other names": safetensors.numpy.save({"a": np.ones(3, np.float32)}),
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    }
    return {
        f"{name} {member}": forged(**{member: content})
        for name, content in contents.items()
        for member in ("weights", "golden")
    }


def hostile_containers() -> dict[str, bytes]:
    members = members_of(GOOD)
    many = BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}", b"")
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(200_000_000))
    lies = bytearray(GOOD)
    lies[18:26] = (2**32 - 1).to_bytes(4, "little") * 2
    return {
        "zip of many": many.getvalue(),
        "zip bomb": bomb.getvalue(),
        "size lies": bytes(lies),
        "up": pack({"../manifest.json": members["manifest.json"], **members}),
        "twice": GOOD[:-22] * 2 + GOOD[-22:],
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "model missing": forged(model=b""),
        "not a model": forged(model=b"\0" * 100),
    }


READ_HOSTILE = """
import json, pathlib, re, sys
from lenetkit.bundle import read_bundle
from lenetkit.exceptions import BundleError

WATCHED = ("import", "exec", "compile", "code.", "ctypes", "marshal", "os.", "pickle", "shutil", "socket", "subprocess",
           "tempfile")
events, found, current = [], {}, None

def watch(event, arguments):
    writes = event == "open" and (not isinstance(arguments[1], str) or set(arguments[1]) & set("wax+"))
    if current is not None and (writes or event.startswith(WATCHED)):
        events.append([current, event, repr(arguments)[:200]])

def outcome(path):
    try:
        read_bundle(path)
    except BundleError as error:
        sound = str(path) in str(error) and len(str(error)) < 1000 + len(str(path))
        return "BundleError" if sound else f"odd message: {error}"
    except BaseException as error:
        return repr(error)[:200]
    return "believed"

def peak():  # of this process; what the resource module gives starts with the parent's
    return int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text()).group(1))

read_bundle(sys.argv[1])
sys.addaudithook(watch)
paths = sorted(pathlib.Path(sys.argv[2]).iterdir())
before = peak()
for path in paths:
    current = path.name
    found[path.name] = outcome(path)
current = None
grown = (peak() - before) // 1024
print(json.dumps({"events": events, "found": found, "grown": grown, "modules": sorted(sys.modules)}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured through /proc")
def test_hostile_files_are_refused_and_nothing_happens(tmp_path: Path) -> None:
    """No import, no code, no socket, no process, no write; little memory; and always a BundleError."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    names = {}
    for number, (name, content) in enumerate(hostile_files().items()):
        (folder / f"{number:03}").write_bytes(content)
        names[f"{number:03}"] = name
    with open(folder / "sparse", "wb") as file:  # claims 100 GB and takes no space
        file.write(GOOD)
        file.truncate(100 << 30)
    assert len(names) >= 100
    child = subprocess.run(
        [sys.executable, "-c", READ_HOSTILE, str(SAMPLE), str(folder)], capture_output=True, text=True, timeout=300
    )
    assert child.returncode == 0, child.stderr
    report = json.loads(child.stdout)
    assert {names.get(key, key): outcome for key, outcome in report["found"].items() if outcome != "BundleError"} == {}
    assert report["events"] == []
    # 1 MiB of JSON makes some 30 MiB of Python objects.
    assert report["grown"] < 100
    assert not {"tensorflow", "keras", "sklearn", "pandas", "ai_edge_litert"} & set(report["modules"])


# Fuzzing


@FUZZ
@given(st.data())
def test_fuzz_any_edit_of_a_sound_file_is_detected(data: st.DataObject) -> None:
    """Slices cut out, put elsewhere, overwritten, doubled."""
    content = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start, end = sorted(data.draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
        piece = data.draw(
            st.sampled_from([b"", content[start:end] * 2, content[::-1][start:end]]) | st.binary(max_size=9)
        )
        content = content[:start] + piece + content[end:]
    if content != GOOD:
        refused(content)


@FUZZ
@given(manifest=st.dictionaries(st.sampled_from(sorted(manifest_of(GOOD))), plain_values), keep=st.booleans())
def test_fuzz_any_manifest_gives_a_bundle_or_a_bundle_error(manifest: dict[str, Any], keep: bool) -> None:
    """Keys replaced by whatever, hashes put right."""

    def change(found: dict[str, Any]) -> None:
        if not keep:
            found.clear()
        found.update(manifest)

    try:
        bundle = decode_bundle(forged(change))
    except BundleError:
        return
    assert decode_bundle(encode_bundle(bundle)).metrics == bundle.metrics


@FUZZ
@given(member=st.sampled_from(["weights", "golden", "model"]), data=st.data())
def test_fuzz_any_member_gives_a_bundle_or_a_bundle_error(member: str, data: st.DataObject) -> None:
    """Bytes overwritten within a member, hashes put right."""
    names = {"weights": "weights.safetensors", "model": "model.tflite", "golden": "golden.safetensors"}
    content = bytearray(members_of(GOOD)[names[member]])
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        bundle = decode_bundle(forged(**{member: bytes(content)}))
    except BundleError:
        return
    assert all(np.isfinite(array).all() for array in bundle.weights.values())


# Accidents while writing


WRITE_ON_FULL_DISK = """
import resource, signal, sys
from lenetkit.bundle import read_bundle, write_bundle
bundle = read_bundle(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    write_bundle(sys.argv[2], bundle)
except OSError as error:
    print(type(error).__name__, error.errno)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
@pytest.mark.parametrize("limit", [0, 1, 1000, len(GOOD) - 1])
def test_a_full_disk_leaves_the_old_file(limit: int, tmp_path: Path) -> None:
    """Byte for byte, and nothing beside it."""
    target = tmp_path / "digits.lenet"
    target.write_bytes(b"the old file")
    child = subprocess.run(
        [sys.executable, "-c", WRITE_ON_FULL_DISK, str(SAMPLE), str(target), str(limit)], capture_output=True, text=True
    )
    assert child.stdout.startswith("OSError"), child.stderr
    assert target.read_bytes() == b"the old file"
    assert os.listdir(tmp_path) == ["digits.lenet"]

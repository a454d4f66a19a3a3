"""The C header of a network: its numbers, one function that answers an image, and test vectors.

In: steps, the names of the classes, golden inputs and their answers. Out: the text of a C99 header that needs no
library but ``math.h``. Next: a C compiler.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exporting._c_steps import ACTIVATIONS, Step
from lenetkit.exporting._c_templates import ACTIVATION, FUNCTIONS, HEADER, PREDICT, TEST
from lenetkit.exporting._conversion import Array

__all__ = ["count_bytes", "write_header"]

_WIDTH = 110  # of a line of numbers
# Their result may take the place of what they are given.
_IN_PLACE = ("affine", "activate", "softmax")


def write_header(
    name: str, steps: Sequence[Step], classes: Iterable[Any], images: Array, answers: Array, *, title: str
) -> str:
    """Return the text of a header.

    Parameters
    ----------
    name : str
        Name of the file, of which the names in it are made.
    steps : sequence of Step
    classes : iterable
        Class names.
    images, answers : ndarray
        The test vectors: inputs (k, height, width, channels) and probabilities (k, n_classes).
    title : str
        One line about the network.
    """
    stem = name.rpartition(".")[0] or name
    p = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_").lower() or "network"
    p = p if p[0].isalpha() else f"network_{p}"
    plan = _place(steps)
    labels = [f'    "{_quote(str(label))}",' for label in classes]
    height, width, channels = images.shape[1:]
    names = {
        "p": p,
        "P": p.upper(),
        "file": _plain(name),
        "title": _plain(title),
        "height": height,
        "width": width,
        "channels": channels,
        "n_values": height * width * channels,
        "n_classes": answers.shape[1],
        "labels": "\n".join(labels),
        "weights": count_bytes(steps),
        "includes": "#include <math.h>\n",
        "workspace": 4 * sum(plan.slots),
        "slots": "\n".join(f"    float slot_{k}[{size}];" for k, size in enumerate(plan.slots)) or "    float unused;",
    }
    arrays, calls = _write_steps(p, steps, plan)
    vectors = {"test_images": images, "test_answers": answers}
    parts = [
        HEADER.format(**names),
        *arrays,
        *(f"{function}\n" for function in _write_functions(names, steps)),
        PREDICT.format(**names, calls="\n".join(calls)),
        TEST.format(**names, n=len(images), vectors="".join(_array(f"{p}_{k}", v) for k, v in vectors.items())),
        f"\n#endif /* {p.upper()}_H */\n",
    ]
    return "".join(parts)


def count_bytes(steps: Iterable[Step]) -> int:
    """Return the bytes of all constants."""
    return sum(array.nbytes for step in steps for array in step.arrays.values())


@attrs.frozen
class _Plan:
    """The places of values: a pointer in C for each, 0 being the image, and the sizes of the workspace's slots."""

    places: list[str]
    slots: list[int]


def _place(steps: Sequence[Step]) -> _Plan:
    """Give each result a slot that nothing else needs any more; the last one is the answer itself."""
    last_use = {value: index for index, step in enumerate(steps) for value in step.inputs}
    places: list[str] = ["image"]
    slots: list[int] = []
    held: dict[int, int] = {}
    for index, step in enumerate(steps[:-1]):
        over = {value for value in step.inputs if last_use[value] == index and value in held}
        if step.kind in _IN_PLACE and over:
            slot = held.pop(step.inputs[0])
        else:
            free = [slot for slot in range(len(slots)) if slot not in held.values()]
            slot = max(free, key=lambda k: slots[k]) if free else len(slots)
            slots += [0] if slot == len(slots) else []
            for value in over:
                held.pop(value)
        slots[slot] = max(slots[slot], int(np.prod(step.shape)))
        places.append(f"workspace->slot_{slot}")
        held[index + 1] = slot  # every step but the last is needed by another
    return _Plan([*places, "probabilities"], slots)


def _write_functions(names: dict[str, Any], steps: Sequence[Step]) -> Iterable[str]:
    """Yield the functions that the steps call, each once."""
    int8 = any("scale" in step.arrays for step in steps if step.kind == "convolve")
    typed = {
        "weight": "signed char" if int8 else "float",
        "scale_in": " const float *scale," if int8 else "",
        "scaled": " * scale[o]" if int8 else "",
    }
    for kind in dict.fromkeys((step.kind, step.function) for step in steps):
        if kind[0] == "activate":
            named, expression = kind[1].rpartition(">")[2], ACTIVATIONS[kind[1]][0]
            yield ACTIVATION.format(**names, name=named, function=named, expression=expression)
        else:
            yield FUNCTIONS[" ".join(filter(None, kind))].format(**names, **typed)


def _write_steps(p: str, steps: Sequence[Step], plan: _Plan) -> tuple[list[str], list[str]]:
    """Return the arrays of all steps, and the calls of functions."""
    arrays: list[str] = []
    calls: list[str] = []
    for index, step in enumerate(steps):
        sizes = " x ".join(map(str, step.shape))
        layer = f"{_plain(step.layer)}: {step.function.rpartition('>')[2]} {step.kind}".replace(":  ", ": ")
        calls.append(f"    /* {layer}, {sizes} */")
        given = [f"{p}_{index}_{name}" for name in step.arrays]
        if given:
            arrays.append(f"/* {_plain(step.layer)} */\n")
            arrays += [_array(name, array) for name, array in zip(given, step.arrays.values(), strict=True)]
            arrays.append("\n")
        sources, result = [plan.places[value] for value in step.inputs], plan.places[index + 1]
        calls += [f"    {p}_{call};" for call in _call(step, sources, given, result)]
    return arrays, calls


def _call(step: Step, sources: list[str], arrays: list[str], result: str) -> Iterable[str]:
    """Yield the calls of a step, without the prefix of their names."""
    height, width, channels = step.shape
    given = ", ".join(map(str, step.given))
    size = ", ".join(map(str, step.sizes.values()))
    values = int(np.prod(step.shape))
    if step.kind == "convolve":
        kernel, *more = arrays
        # The scale, where there is one, comes before the bias.
        rest = ", ".join(sorted(more, reverse=True))
        result = f"{height}, {width}, {channels}, {result}"
        yield f"convolve({sources[0]}, {given}, {kernel}, {rest},\n        {size}, {result})"
    elif step.kind == "pool":
        yield f"pool_{step.function}({sources[0]}, {given}, {size}, {height}, {width}, {result})"
    elif step.kind == "pad":
        yield f"pad({sources[0]}, {given}, {size}, {height}, {width}, {result})"
    elif step.kind == "affine":
        yield f"affine({sources[0]}, {height * width}, {channels}, {', '.join(arrays)}, {result})"
    elif step.kind == "compare":
        yield f"compare({sources[0]}, {step.given[2]}, {arrays[0]}, {channels}, {result})"
    elif step.kind == "join":
        starts = np.cumsum([0, *step.sizes.values()])
        for source, part, start in zip(sources, step.sizes.values(), starts[:-1], strict=True):
            yield f"join({source}, {height * width}, {part}, {channels}, {result} + {start})"
    elif step.kind == "add":
        for source in sources:
            yield f"add({source}, {values}, {int(source is sources[0])}, {result})"
    else:
        function = step.function.rpartition(">")[2] or step.kind
        yield f"{function}({sources[0]}, {values}, {result})"


def _array(name: str, array: npt.NDArray[Any]) -> str:
    """Return the definition of an array, its numbers in lines."""
    integers = array.dtype == np.int8
    lines, line = [], "   "
    for number in array.ravel():
        text = f" {number}," if integers else f" {_literal(number)},"
        if len(line) + len(text) > _WIDTH:
            lines.append(line)
            line = "   "
        line += text
    kind = "signed char" if integers else "float"
    return f"static const {kind} {name}[{array.size}] = {{\n" + "\n".join([*lines, line]) + "\n};\n"


def _literal(number: np.float32) -> str:
    """Return the shortest literal that a C compiler reads as this very number."""
    if number == int(number) and abs(number) < 1e6:
        return f"{int(number)}"
    return f"{np.format_float_scientific(number, unique=True, trim='-')}f"


def _plain(text: str) -> str:
    """Return text that cannot end a comment."""
    return re.sub(r"[^\w .,:;()+=-]", "_", text, flags=re.ASCII)


def _quote(text: str) -> str:
    """Return a string as C writes it: printable ASCII as it is, the other bytes of its UTF-8 in octal."""
    safe = set(range(0x20, 0x7F)) - set(b'"\\?')  # question marks make trigraphs
    return "".join(chr(byte) if byte in safe else f"\\{byte:03o}" for byte in text.encode("utf-8", "replace"))

"""House rules of the source, checked on its syntax trees, without importing it.

In: the folder of a package, and pages of its documentation. Out: a line ``file:line: rule: message`` for each finding;
the exit code is 1 if there is any. Python's standard library is all it needs::

    python tools/check_house.py src/lenetkit README.md docs
    python tools/check_house.py --count src/lenetkit                how many findings by rule and room

The rules:

private   No private name crosses the wall of a room, which is a file or folder at the top of the package: an
          underscored module or name of a room is imported, or read as an attribute, inside the room alone. Open to
          all are the modules of ``_utils`` and the package ``_ink``. Imports inside functions count, and
          ``import_module("...")``.
circle    No circle of imports between files; those inside functions and under ``if TYPE_CHECKING:`` count. An import of
          a module is an edge to its file; an import of a name that a package offers is an edge to the package's
          ``__init__``. So an ``__init__`` may import its files, as long as none of them takes a name from it.
entries   At most 30 entries at the top of the package. Files that only forward old names are not counted.
size      A file has at most 400 lines, a function's body 50 without its docstring, a line 120 characters.
name      A file's name, without underscores in front, stands once in the house, except for ``__init__``, ``__main__``,
          forwarders, and the files in ``FREE``, which are named after what they serve.
words     The phrases and names of ``tools/words.toml`` are not used.
opening   No docstring begins with What, Whether, Where, How, Why, Which or When, a module's not with From either; no
          sentence of a docstring begins with What, Whether or Where.
"""

import argparse
import ast
import collections
import io
import re
import sys
import textwrap
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

MOST_ENTRIES = 30
MOST_LINES = 400
MOST_BODY_LINES = 50
MOST_CHARACTERS = 120
OPEN_MODULES, OPEN_PACKAGE = "_utils", "_ink"
FREE = ("cli", "plotting", "datasets/_formats", "exporting")
WORDS = Path(__file__).with_name("words.toml")

Functions = ast.FunctionDef | ast.AsyncFunctionDef
Documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Finding(NamedTuple):
    """A line that breaks a rule."""

    path: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Module:
    """One file of the package: its dotted name, its room and its syntax tree."""

    def __init__(self, path: Path, package: Path) -> None:
        self.path, self.text = path, path.read_text("utf-8")
        self.tree = ast.parse(self.text, str(path))
        self.inside = path.relative_to(package)
        self.is_package = path.name == "__init__.py"
        parts = (package.name, *self.inside.with_suffix("").parts)
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.room = room(self.name)
        self.forwards = is_forwarder(self.tree)

    def resolve(self, node: ast.ImportFrom) -> str:
        """Return the absolute name of the module that names are imported from."""
        if not node.level:
            return node.module or ""
        above = self.name.split(".")
        above = above[: len(above) - node.level + self.is_package]
        return ".".join([*above, node.module] if node.module else above)

    def targets(self) -> Iterator[tuple[int, str, str]]:
        """Yield line, full dotted name and local name of everything that is imported, wherever it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name, alias.asname or alias.name.partition(".")[0]
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.lineno, f"{self.resolve(node)}.{alias.name}", alias.asname or alias.name
            elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func) and node.args:
                name = getattr(node.args[0], "value", None)
                yield from [(node.lineno, name, "")] if isinstance(name, str) else []


class House:
    """All files of a package."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.modules = [Module(path, package) for path in sorted(package.rglob("*.py"))]
        self.by_name = {module.name: module for module in self.modules}


def room(name: str) -> str:
    """Return the part of a dotted name that names the room, empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def is_forwarder(tree: ast.Module) -> bool:
    """Tell whether a file does nothing but forward old names: ``__getattr__ = forward(...)``."""
    statements = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    statements = statements[1:] if ast.get_docstring(tree) is not None else statements
    targets = [ast.unparse(target) for node in statements for target in getattr(node, "targets", [])]
    targets += [ast.unparse(node.target) for node in statements if isinstance(node, ast.AnnAssign)]
    return "__getattr__" in targets and set(targets) <= {"__all__", "__getattr__"} and len(targets) == len(statements)


def is_private(word: str) -> bool:
    return word.startswith("_") and not (word.startswith("__") and word.endswith("__"))


def check_private(house: House) -> Iterator[Finding]:
    """Find underscored names of other rooms."""
    for module in house.modules:
        local = {}
        for line, target, name in module.targets():
            if target.split(".")[0] != house.package.name:
                continue
            cause = trespass(house, module, target)
            if cause:
                yield Finding(module.path, line, "private", cause)
            # "import lenetkit.datasets" binds "lenetkit".
            local[name] = house.package.name if name == house.package.name else target
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                first, *rest = ast.unparse(node).split(".")
                cause = first in local and trespass(house, module, ".".join([local[first], *rest]))
                if cause:
                    yield Finding(module.path, node.lineno, "private", cause)


def trespass(house: House, module: Module, target: str) -> str:
    """Return what is wrong with the use of a dotted name in a module, if anything."""
    owner = room(target)
    parts = target.split(".")[2:]
    if not owner or owner == module.room:
        return ""
    if owner == OPEN_PACKAGE:
        if parts and (target in house.by_name or len(parts) > 1):
            return f"{target}: import it from the package {house.package.name}.{OPEN_PACKAGE}"
    elif is_private(owner) and owner != OPEN_MODULES:
        return f"{owner} is private to {house.package.name}"
    hidden = next((part for part in parts if is_private(part)), "")
    return hidden and f"{hidden} is private to {house.package.name}.{owner}: make what is needed public there"


def check_circles(house: House) -> Iterator[Finding]:
    """Find one shortest circle for each group of files that import each other."""
    edges: dict[str, dict[str, int]] = {}
    for module in house.modules:
        edges[module.name] = {}
        for line, target, _ in module.targets():
            # "from lenetkit.datasets import Dataset" leads to lenetkit.datasets, "... import mnist" to that file.
            found = next((name for name in (target, target.rpartition(".")[0]) if name in house.by_name), None)
            if found and not (found == module.name and module.is_package):
                edges[module.name].setdefault(found, line)
    reported: set[str] = set()
    for name in edges:
        way = None if name in reported else shortest_way_back(edges, name)
        if way:
            reported.update(way)
            module = house.by_name[name]
            yield Finding(module.path, edges[name][way[1]], "circle", " -> ".join(way))


def shortest_way_back(edges: dict[str, dict[str, int]], start: str) -> list[str] | None:
    """Return the shortest circle through a node, the node at both ends."""
    ways = collections.deque([[start]])
    seen = set()
    while ways:
        way = ways.popleft()
        for following in edges[way[-1]]:
            if following == start:
                return [*way, start]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return None


def check_entries(house: House) -> Iterator[Finding]:
    """Count what lies at the top of the package."""
    forwarders = {module.path for module in house.modules if module.forwards}
    entries = [path for path in house.package.iterdir() if path.name != "__pycache__" and path not in forwarders]
    if len(entries) > MOST_ENTRIES:
        message = f"{len(entries)} entries at the top of the package; {MOST_ENTRIES} at most"
        yield Finding(house.package / "__init__.py", 1, "entries", message)


def check_sizes(house: House) -> Iterator[Finding]:
    """Measure files, functions and lines."""
    for module in house.modules:
        lines = module.text.splitlines()
        if len(lines) > MOST_LINES:
            message = f"the file has {len(lines)} lines; {MOST_LINES} at most"
            yield Finding(module.path, len(lines), "size", message)
        for number, line in enumerate(lines, start=1):
            if len(line) > MOST_CHARACTERS:
                message = f"the line has {len(line)} characters; {MOST_CHARACTERS} at most"
                yield Finding(module.path, number, "size", message)
        for node in ast.walk(module.tree):
            if isinstance(node, Functions):
                body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if length > MOST_BODY_LINES:
                    message = f"the body of {node.name} has {length} lines; {MOST_BODY_LINES} at most"
                    yield Finding(module.path, node.lineno, "size", message)


def check_names(house: House) -> Iterator[Finding]:
    """Find file names that stand twice."""
    first: dict[str, Module] = {}
    for module in house.modules:
        stem = module.path.stem
        free = module.inside.parent.as_posix().startswith(FREE) and module.inside.parent.as_posix() != "."
        if free or module.forwards or stem in ("__init__", "__main__"):
            continue
        name = stem.lstrip("_")
        if name in first:
            message = f"{first[name].inside.as_posix()} has this name, too"
            yield Finding(module.path, 1, "name", message)
        first.setdefault(name, module)


def check_words(house: House) -> Iterator[Finding]:
    """Find phrases in the texts, and names where they are bound."""
    words = load_words()
    for module in house.modules:
        for line, text in texts(module):
            yield from find_phrases(module.path, line, text, words["phrases"])
        for line, name, kinds in bindings(module.tree):
            for pattern, better in [pair for kind in kinds for pair in words[kind]]:
                if pattern.fullmatch(name):
                    yield Finding(module.path, line, "words", f"the name {name!r}; say: {better}")


def load_words() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Return the patterns and what to say instead, by kind."""
    return {
        kind: [(re.compile(rf"\b(?:{key})" + r"\b" * (key[-1] != ")"), flags), better) for key, better in table.items()]
        for kind, table in tomllib.loads(WORDS.read_text("utf-8")).items()
        for flags in [re.IGNORECASE if kind == "phrases" else 0]
    }


def texts(module: Module) -> Iterator[tuple[int, str]]:
    """Yield the string constants and the blocks of comments of a file, with their lines."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    last, block = -2, ""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if line != last + 1:
                yield last - block.count("\n"), block
                block = ""
            block = f"{block}\n{token.string.lstrip('# ')}" if block else token.string.lstrip("# ")
            last = line
    yield last - block.count("\n"), block


def find_phrases(path: Path, line: int, text: str, phrases: list[tuple[re.Pattern[str], str]]) -> Iterator[Finding]:
    """Find phrases in a text, also where they go over the end of a line."""
    lines = re.sub(r"\n[ \t]*", "\n", text)
    flat = lines.replace("\n", " ")
    for pattern, better in phrases:
        for found in pattern.finditer(flat):
            yield Finding(path, line + lines.count("\n", 0, found.start()), "words", f"{found[0]!r}; say: {better}")


def bindings(tree: ast.Module) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield each name where it is bound, and the kinds of words that it may not be; names that only warn are free."""
    for node in ast.walk(tree):
        if isinstance(node, Functions):
            if not any("warn_renamed" in ast.unparse(statement) for statement in node.body):
                yield node.lineno, node.name, ("names", "functions")
        elif isinstance(node, ast.ClassDef):
            yield node.lineno, node.name, ("names", "functions")
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, ("names",)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, ("names",)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr, ("names",)
        elif isinstance(node, ast.For | ast.comprehension):
            counts = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "enumerate"
            if counts and isinstance(node.target, ast.Tuple) and isinstance(node.target.elts[0], ast.Name):
                yield node.target.lineno, node.target.elts[0].id, ("indices",)


OPENING = re.compile(r"(What|Whether|Where|How|Why|Which|When)\b")
MODULE_OPENING = re.compile(r"(What|Whether|Where|How|Why|Which|When|From)\b")
# After the end of a sentence or an empty line, as the item of a list, or below the name of a parameter.
SENTENCE = re.compile(
    r"(?:[.!?][\"')\]]*\s+|\n\s*\n\s*|\n\s*[*-]\s+|^\s*[\w*`, ]+ : [^\n]+\n\s+)(What|Whether|Where)\b", re.MULTILINE
)


def check_openings(house: House) -> Iterator[Finding]:
    """Read how docstrings and their sentences begin."""
    for module in house.modules:
        for node in ast.walk(module.tree):
            text = ast.get_docstring(node, clean=False) if isinstance(node, Documented) else None
            if text is None:
                continue
            line = node.body[0].lineno
            opening = MODULE_OPENING if isinstance(node, ast.Module) else OPENING
            found = opening.match(text.lstrip())
            if found:
                yield Finding(module.path, line, "opening", f"a docstring begins with {found[1]!r}: name the thing")
            for found in SENTENCE.finditer(text):
                at = line + text.count("\n", 0, found.start(1))
                yield Finding(module.path, at, "opening", f"a sentence of a docstring begins with {found[1]!r}")


RULES: tuple[Callable[[House], Iterator[Finding]], ...] = (
    check_private,
    check_circles,
    check_entries,
    check_sizes,
    check_names,
    check_words,
    check_openings,
)


def check_pages(pages: list[Path]) -> Iterator[Finding]:
    """Find phrases on Markdown pages; a folder stands for all of its pages."""
    phrases = load_words()["phrases"]
    for given in pages:
        for page in sorted(given.rglob("*.md")) if given.is_dir() else [given]:
            yield from find_phrases(page, 1, page.read_text("utf-8"), phrases)


def main(arguments: list[str] | None = None) -> int:
    """Check, print what is found, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=textwrap.dedent(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path, help="the folder of the package, src/lenetkit")
    parser.add_argument("pages", type=Path, nargs="*", help="Markdown pages, or folders of them")
    parser.add_argument("--count", action="store_true", help="count the findings by rule and room instead")
    given = parser.parse_args(arguments)
    house = House(given.package)
    findings = sorted({*(found for rule in RULES for found in rule(house)), *check_pages(given.pages)})
    if given.count:
        rooms = {module.path: module.room.removesuffix(".py") or "(top)" for module in house.modules}
        counts = collections.Counter((found.rule, rooms.get(found.path, "pages")) for found in findings)
        for (rule, where), count in sorted(counts.items()):
            print(f"{rule:8} {where:12} {count:4}")
    else:
        print(*findings, sep="\n", end="\n" if findings else "")
    if findings:
        print(f"{len(findings)} findings; the rules are at the top of tools/check_house.py", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

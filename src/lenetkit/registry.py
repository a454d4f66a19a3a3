"""Registry of named members (models, data sets, transforms, pretrained pipelines) that any package can add to.

In: names, with what they stand for. Out: the member with a name, or an error that lists the known names.
A :class:`Registry` holds three kinds of members:

* built-ins: the public modules of one package of lenetkit, imported on first use;
* what the running program registers itself;
* plug-ins: entry points of installed distributions, *listed* from their metadata without importing anything and
  imported only when somebody asks for the name. A broken plug-in harms nothing but itself.

Next: :mod:`lenetkit.datasets`, :mod:`lenetkit.transforms`, :mod:`lenetkit.models` and :mod:`lenetkit.pretrained` each
own one instance.
"""

import contextlib
import importlib
import importlib.metadata
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Generic, NamedTuple, TypeVar

from lenetkit._utils.fork_lock import ForkLock
from lenetkit._utils.names import did_you_mean
from lenetkit.exceptions import NameTakenError, PluginError, SettingError, UnknownNameError

__all__ = ["UNREADABLE", "PlugIn", "Registry"]

UNREADABLE = "?"
"""The name of a :class:`PlugIn` that stands for a distribution whose entry points cannot be read."""

Member = TypeVar("Member")

_CURE = "Reinstall or uninstall it."
_VALID_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class PlugIn(NamedTuple):
    """A name that an installed distribution announces.

    Parameters
    ----------
    name : str
        The announced name; :data:`UNREADABLE` for a distribution whose entry points cannot be read.
    distribution : str
        The distribution's name, as ``pip list`` shows it.
    error : str or None
        Reason that it cannot be used; None if it can.

    Examples
    --------
    >>> from lenetkit.registry import PlugIn
    >>> PlugIn(name="two_layers", distribution="my-package", error=None).distribution
    'my-package'
    """

    name: str
    distribution: str
    error: str | None


class Registry(Generic[Member]):
    """A table of named members that other packages can extend.

    Parameters
    ----------
    kind : str
        Name of a member in messages, for example ``"model"``.
    group : str
        Entry-point group in which distributions announce their members. The entry point's name is the member's
        name; importing what it points to must register that name.
    package : str, optional
        Dotted name of the package whose public modules register the built-in members when imported.

    Examples
    --------
    >>> from lenetkit.registry import Registry
    >>> colours = Registry("colour", group="example.colours")
    >>> colours.register("ink", 0x000000, owner="example")
    0
    >>> colours.get("ink")
    0
    >>> colours.get("inc")
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.UnknownNameError: unknown colour 'inc'. Did you mean 'ink'? Known colours: ink.
    """

    def __init__(self, kind: str, *, group: str, package: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self.package = package
        self._members: dict[str, Member] = {}
        self._owners: dict[str, str] = {}
        self._distributions: dict[str, str] = {}
        self._kept_while_loading: frozenset[str] = frozenset()
        self._built_ins_loaded = package is None
        self._lock = ForkLock()

    def register(self, name: str, member: Member, *, owner: str, replace: bool = False) -> Member:
        """Give a member a name.

        Parameters
        ----------
        name : str
            Letters, digits, ``_``, ``-`` and ``.``, starting with a letter or digit.
        member : object
            Result of :meth:`get`.
        owner : str
            Who registers it, for messages: usually the dotted name of the function or class.
        replace : bool
            Take the name over from whoever has it, for example when a notebook cell is run again.

        Returns
        -------
        object
            The member, unchanged.

        Raises
        ------
        SettingError
            If the name is empty or holds other characters.
        NameTakenError
            If the name has an owner already and ``replace`` is false, or a plug-in that is being imported wants to
            take it over: what is installed must not change what others get.
        """
        if not isinstance(name, str) or not _VALID_NAME.fullmatch(name):
            raise SettingError(
                f"a {self.kind}'s name must be letters, digits, '_', '-' and '.', starting with a letter or digit; "
                f"got {name!r}."
            )
        with self._lock.inner:
            kept = name in self._kept_while_loading
            if name in self._members and (kept or not replace):
                advice = ": a plug-in cannot take it over." if kept else ", or pass replace=True to take it over."
                raise NameTakenError(
                    f"the {self.kind} name {name!r} is taken by {self._owners[name]}; {owner} cannot have it too. "
                    f"Choose another name{advice}"
                )
            self._members[name] = member
            self._owners[name] = owner
        return member

    def unregister(self, name: str) -> None:
        """Forget a member; errors are those of :meth:`get`."""
        with self._lock.inner:
            self.get(name)
            del self._members[name], self._owners[name]
            self._distributions.pop(name, None)

    def get(self, name: str) -> Member:
        """Return the member with this name, importing its plug-in if need be.

        Raises
        ------
        UnknownNameError
            If no member has this name; the message lists the known names and the nearest spelling.
        PluginError
            If a distribution announces the name and cannot be imported, or does not register it.
        """
        with self._lock.inner:
            self._load_built_ins()
            if name not in self._members:
                self._load_plug_in(name)
            return self._members[name]

    def names(self, pattern: str = "*") -> list[str]:
        """Return the sorted names that match a shell pattern, plug-ins included, without importing plug-ins."""
        with self._lock.inner:
            self._load_built_ins()
            known = set(self._members) | {entry.name for entry in self._entry_points()[0]}
        return sorted(name for name in known if fnmatchcase(name, pattern))

    def listed(self, pattern: str = "*") -> list[str]:
        """Return :meth:`names`, and warn of each distribution whose entry points cannot be read."""
        for name, reason in self._entry_points()[1].items():
            warnings.warn(
                f"the entry points of the distribution {name} cannot be read: {reason}. {_CURE}", stacklevel=3
            )
        return self.names(pattern)

    def plug_ins(self) -> list[PlugIn]:
        """Import every plug-in that an installed distribution announces, and tell how that went.

        Returns
        -------
        list of PlugIn
            Sorted by name and distribution; with what is wrong where the plug-in is broken or its name is taken.
        """
        entries, unreadable = self._entry_points()
        announced = {(entry.name, _distribution(entry), entry.value.partition(":")[0].strip()) for entry in entries}
        broken = [
            PlugIn(UNREADABLE, name, f"the entry points of the distribution {name} cannot be read: {reason}. {_CURE}")
            for name, reason in unreadable.items()
        ]
        return broken + [
            PlugIn(name, distribution, self._problem(name, distribution, module))
            for name, distribution, module in sorted(announced)
        ]

    def _problem(self, name: str, distribution: str, module: str) -> str | None:
        """Return what is wrong with a plug-in, if anything is."""
        try:
            self.get(name)
        except PluginError as error:
            return str(error)
        owner = self._distributions.get(name)
        # Where the program itself has imported the plug-in, it has registered its name or raised.
        if owner == distribution or (owner is None and module in sys.modules):
            return None
        return (
            f"the distribution {distribution} announces the {self.kind} {name!r}, but the name is taken by "
            f"{self._owners[name]}. Update or uninstall {distribution}."
        )

    def distribution(self, name: str) -> str | None:
        """Return the distribution whose plug-in registered a name, else None; errors are those of :meth:`get`."""
        with self._lock.inner:
            self.get(name)
            return self._distributions.get(name)

    def owner(self, name: str) -> str:
        """Return who owns a name: the registering function or class, or a plug-in's distribution.

        Raises
        ------
        UnknownNameError
            If no member has this name.
        """
        with self._lock.inner:
            self._load_built_ins()
            return self._owners[name] if name in self._owners else _distribution(self._announced(name)[0])

    def _load_built_ins(self) -> None:
        if self._built_ins_loaded:
            return
        # Set first: a built-in module that asks the registry something while it is imported must not start over.
        self._built_ins_loaded = True
        package = importlib.import_module(str(self.package))
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")

    def _load_plug_in(self, name: str) -> None:
        entries = self._announced(name)
        distribution = _distribution(entries[0])
        if len(entries) > 1:
            raise PluginError(
                f"the {self.kind} name {name!r} is announced by more than one distribution: "
                f"{', '.join(sorted(_distribution(entry) for entry in entries))}. Uninstall all but one."
            )
        try:
            # A plug-in that prints must not spoil output that scripts read.
            with self._loading(distribution), contextlib.redirect_stdout(sys.stderr):
                entries[0].load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginError(
                f"the {self.kind} {name!r} of the distribution {distribution} cannot be loaded: "
                f"{type(error).__name__}: {error}. Update or uninstall {distribution}."
            ) from error
        if name not in self._members:
            raise PluginError(
                f"the distribution {distribution} announces the {self.kind} {name!r}, but importing "
                f"{entries[0].value!r} did not register it. Update or uninstall {distribution}."
            )

    @contextlib.contextmanager
    def _loading(self, distribution: str) -> Iterator[None]:
        """Protect the members that are there, note whose the new ones are, and forget them if loading fails."""
        before = dict(self._members), dict(self._owners)
        outer, self._kept_while_loading = self._kept_while_loading, frozenset(self._members)
        try:
            yield
        except BaseException:
            self._members, self._owners = before
            raise
        finally:
            self._kept_while_loading = outer
        self._distributions.update(dict.fromkeys(self._members.keys() - before[0].keys(), distribution))

    def _entry_points(self) -> tuple[list[importlib.metadata.EntryPoint], dict[str, str]]:
        """Return the announced entry points, and the distributions whose entry points cannot be read, with reasons.

        :func:`importlib.metadata.entry_points` fails as a whole if those of a single distribution are malformed.
        """
        entries: list[importlib.metadata.EntryPoint] = []
        unreadable: dict[str, str] = {}
        seen: set[str] = set()
        for distribution in importlib.metadata.distributions():
            try:
                text = distribution.read_text("entry_points.txt") or ""
                found = list(distribution.entry_points.select(group=self.group)) if "[" in text else []
                if bad := [entry.name for entry in found if not _VALID_NAME.fullmatch(entry.name)]:
                    raise ValueError(f"{bad[0]!r} is not a name")
            except Exception as error:  # whatever somebody's file makes the parser raise
                unreadable[_name(distribution)] = f"{type(error).__name__}: {error}"
                continue
            # Of two installations of one distribution the first on the path is the one that is imported.
            if (key := _key(distribution)) not in seen:
                seen.add(key)
                entries += found
        return entries, unreadable

    def _announced(self, name: str) -> list[importlib.metadata.EntryPoint]:
        """Return the entry points of a name."""
        every, unreadable = self._entry_points()
        if entries := [entry for entry in every if entry.name == name]:
            return entries
        known = self.names()
        unread = (
            f" Not read were the entry points of {', '.join(unreadable)}: they are malformed." if unreadable else ""
        )
        raise UnknownNameError(
            f"unknown {self.kind} {name!r}.{did_you_mean(name, known)} "
            f"Known {self.kind}s: {', '.join(known) if known else 'none'}.{unread}"
        )


def _distribution(entry: importlib.metadata.EntryPoint) -> str:
    return entry.value if entry.dist is None else _name(entry.dist)


def _key(distribution: importlib.metadata.Distribution) -> str:
    """Return a distribution's name in one spelling: of its folder, since reading every file of metadata takes long."""
    folder = PurePath(str(getattr(distribution, "_path", ""))).name
    name = folder.partition("-")[0] if folder.endswith((".dist-info", ".egg-info")) else _name(distribution)
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(distribution: importlib.metadata.Distribution) -> str:
    """Return a distribution's name, or the place of one whose metadata do not say it."""
    with contextlib.suppress(Exception):
        if name := distribution.metadata["Name"]:
            return str(name)
    return str(getattr(distribution, "_path", "without a name"))

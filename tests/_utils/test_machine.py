"""Tests for `lenetkit._utils.machine`."""

import builtins
import os
import sys
from typing import Any

import pytest

from lenetkit._utils.machine import count_cores, get_instruction_set, get_peak_memory


def test_the_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not tell, all of the machine."""
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert count_cores() == 7


def test_vector_extensions_are_sorted_and_empty_where_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other flags of the processor are left out."""
    found = get_instruction_set()
    assert found == sorted(found)
    assert "fpu" not in found

    def refuse(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(builtins, "open", refuse)
    assert get_instruction_set() == []


def test_memory_is_in_bytes_and_0_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python process takes at least a few MiB."""
    assert get_peak_memory() > 2**20
    monkeypatch.setitem(sys.modules, "resource", None)
    assert get_peak_memory() == 0

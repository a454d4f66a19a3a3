"""The machine under this process: its cores, vector instructions and memory. Standard library only."""

import os
import sys

__all__ = ["count_cores", "get_instruction_set", "get_peak_memory"]


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def get_instruction_set() -> list[str]:
    """Return the names of the vector extensions that numerical kernels choose between; empty if not available."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return []
    return sorted(flag for flag in flags.split() if flag.startswith(("avx", "fma", "amx", "sse4", "asimd", "sve")))


def get_peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes; 0 if not available."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

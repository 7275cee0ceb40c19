"""How much memory a piece of work took at most."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class PeakMemory:
    """The highest use of memory since it was made.

    On a CUDA device: what torch had allocated there. On the CPU: the resident set of the process,
    in which mapped features count as far as they were read; where the system cannot forget older
    peaks, it is the highest since the process began.
    """

    def __init__(self, device: str) -> None:
        """Begin to watch a device."""
        self._cuda = device.startswith("cuda")
        self._device = device
        if self._cuda:
            import torch

            torch.cuda.reset_peak_memory_stats(device)
            self.kind = "torch.cuda.max_memory_allocated"
        else:
            self.kind = "VmHWM of the run" if _forgotten() else "ru_maxrss of the process"

    def bytes(self) -> int:
        """Return the highest use so far."""
        if self._cuda:
            import torch

            return int(torch.cuda.max_memory_allocated(self._device))
        if self.kind.startswith("VmHWM"):
            return _high_water()
        import resource  # not on Windows

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _forgotten() -> bool:
    """Let Linux forget the peaks until now; return whether it did."""
    try:
        _RESET.write_text("5")
        return _high_water() > 0
    except OSError:
        return False


def _high_water() -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0

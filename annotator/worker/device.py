"""Where the worker computes, and how much of the machine it takes."""

from __future__ import annotations

import os

import torch

from annotator.errors import NotReady

THREADS = 2
"""Threads that computing takes on a CPU unless `OMP_NUM_THREADS` says otherwise."""


def choose_device(asked: str) -> str:
    """Return the torch device for `auto`, `cpu` or `cuda`, and leave room for the page beside it.

    Raises:
        NotReady: If cuda was asked for and is not there, or the name is none of these.
    """
    if asked not in ("auto", "cpu", "cuda"):
        raise NotReady(f"There is no device {asked!r}; choose auto, cpu or cuda.")
    has_cuda = torch.cuda.is_available()
    if asked == "cuda" and not has_cuda:
        raise NotReady(
            "The device cuda was asked for, but torch finds none on this machine; "
            "use `--device auto` or `--device cpu`."
        )
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(THREADS, torch.get_num_threads()))
    return "cuda" if has_cuda and asked != "cpu" else "cpu"

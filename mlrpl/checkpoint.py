"""One file a trained method, or one a training to be gone on with: tensors with a JSON header."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mlrpl.data import Dimensions
from mlrpl.methods import build
from mlrpl.methods.base import Method
from mlrpl.training import distributed
from mlrpl.training.state import TrainingState

_BROKEN = (SafetensorError, KeyError, TypeError, RuntimeError, ValueError, OSError)


def save(
    path: Path,
    method: Method,
    name: str,
    dimensions: Dimensions,
    extra: Mapping[str, Any] | None = None,
    *,
    categories: Sequence[str] | None = None,
) -> None:
    """Write a method as safetensors, whole or not at all.

    Args:
        path: The file, replaced if it is there.
        method: Its parameters and buffers are written, on whatever device they are.
        name: What `mlrpl.methods.build` knows it by.
        dimensions: What it was built for.
        extra: Anything else to keep that JSON can hold.
        categories: `(C,)`, the categories' names in column order, for `load` to compare.
    """
    header = {
        "method": name,
        "dimensions": json.dumps(asdict(dimensions)),
        "options": json.dumps(asdict(method.config)),
        "extra": json.dumps(dict(extra or {})),
        **_of_categories(categories),
    }
    _write(path, {k: v.detach().cpu().clone() for k, v in method.state_dict().items()}, header)


def load(path: Path, *, expect_categories: Sequence[str] | None = None) -> Method:
    """Return the method that was saved, in evaluation mode, on the CPU.

    Args:
        path: The file.
        expect_categories: Names in column order that it must have been saved with.

    Raises:
        ValueError: If the file is damaged, was made by a method that is not here, or was saved
            with other categories.
    """
    try:
        header, tensors = _read(path)
        method = build(
            header["method"],
            Dimensions(**json.loads(header["dimensions"])),
            json.loads(header["options"]),
        )
        method.load_state_dict(tensors)
    except FileNotFoundError:
        raise
    except _BROKEN as error:
        raise ValueError(
            f"{path} is no checkpoint that this version reads ({error}); train the method again"
        ) from error
    _compare(path, header, expect_categories)
    return method.eval()


def load_extra(path: Path) -> dict[str, Any]:
    """Return what was given to `save` as `extra`."""
    with safe_open(path, framework="pt") as file:
        extra: dict[str, Any] = json.loads((file.metadata() or {}).get("extra", "{}"))
    return extra


def load_categories(path: Path) -> list[str] | None:
    """Return what was given to `save` or `save_state` as `categories`."""
    with safe_open(path, framework="pt") as file:
        names: list[str] | None = json.loads((file.metadata() or {}).get("categories", "null"))
    return names


def save_state(
    path: Path, state: TrainingState, *, categories: Sequence[str] | None = None
) -> None:
    """Write a training that can be gone on with, whole or not at all.

    Where several processes train together, only the first one writes.

    Args:
        path: The file, replaced if it is there.
        state: What `mlrpl.training.fit` gave to `on_state`.
        categories: `(C,)`, the categories' names in column order, for `load_state` to compare.
    """
    if distributed.rank() == 0:
        header = {"training": json.dumps(state.header), **_of_categories(categories)}
        _write(path, state.tensors, header)


def load_state(path: Path, *, expect_categories: Sequence[str] | None = None) -> TrainingState:
    """Return a training to be given to `mlrpl.training.fit`, which compares all the rest.

    Args:
        path: The file.
        expect_categories: Names in column order that it must have been saved with.

    Raises:
        ValueError: If the file is damaged or was saved with other categories.
    """
    try:
        header, tensors = _read(path)
        state = TrainingState(json.loads(header["training"]), tensors)
    except FileNotFoundError:
        raise
    except _BROKEN as error:
        raise ValueError(
            f"{path} is no training state that this version reads ({error}); train from the start"
        ) from error
    _compare(path, header, expect_categories)
    return state


def _of_categories(names: Sequence[str] | None) -> dict[str, str]:
    return {} if names is None else {"categories": json.dumps(list(names))}


def _compare(path: Path, header: Mapping[str, str], expected: Sequence[str] | None) -> None:
    if expected is None:
        return
    names = json.loads(header.get("categories", "null"))
    if names == list(expected):
        return
    if names is None:
        difference = "the file names none"
    elif len(names) != len(expected):
        difference = f"{len(names)} in place of {len(expected)}"
    else:
        column = next(i for i, name in enumerate(names) if name != expected[i])
        difference = f"column {column} is {names[column]!r} in place of {expected[column]!r}"
    raise ValueError(
        f"{path} was made for other categories ({difference}); use its own categories in their "
        "order, or train again"
    )


def _write(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    try:
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata=header)
        with Path(temporary).open("rb+") as file:
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        header: dict[str, str] = file.metadata() or {}
        return header, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping

"""One file a trained method: its tensors, and everything that is needed to build it again."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mlrpl.methods import build
from mlrpl.methods.base import Dimensions, Method


def save(
    path: Path,
    method: Method,
    name: str,
    dimensions: Dimensions,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a method as safetensors, whole or not at all.

    Args:
        path: The file, replaced if it is there.
        method: Its parameters and buffers are written, on whatever device they are.
        name: What `mlrpl.methods.build` knows it by.
        dimensions: What it was built for.
        extra: Anything else to keep that JSON can hold.
    """
    header = {
        "method": name,
        "dimensions": json.dumps(asdict(dimensions)),
        "options": json.dumps(asdict(method.config)),
        "extra": json.dumps(dict(extra or {})),
    }
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in method.state_dict().items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata=header)
        with Path(temporary).open("rb+") as file:
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(path: Path) -> Method:
    """Return the method that was saved, in evaluation mode, on the CPU.

    Raises:
        ValueError: If the file is damaged or was made by a method that is not here.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        method = build(
            header["method"],
            Dimensions(**json.loads(header["dimensions"])),
            json.loads(header["options"]),
        )
        method.load_state_dict(tensors)
    except FileNotFoundError:
        raise
    except (SafetensorError, KeyError, TypeError, RuntimeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is no checkpoint that this version reads ({error}); train the method again"
        ) from error
    return method.eval()


def load_extra(path: Path) -> dict[str, Any]:
    """Return what was given to `save` as `extra`."""
    with safe_open(path, framework="pt") as file:
        extra: dict[str, Any] = json.loads((file.metadata() or {}).get("extra", "{}"))
    return extra

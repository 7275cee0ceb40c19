"""The types that the pages' scripts are checked by are those of the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def test_the_types_of_the_scripts_are_up_to_date(
    load_module: Callable[[Path], ModuleType],
) -> None:
    module = load_module(ROOT / "scripts" / "wire_types.py")

    file = ROOT / module.FILE
    assert file.read_text() == module.document(), (
        f"run `python scripts/wire_types.py > {module.FILE}`"
    )

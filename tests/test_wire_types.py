"""The types that the pages' scripts are checked by are those of the server."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_types_of_the_scripts_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("wire_types", ROOT / "scripts" / "wire_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    file = ROOT / module.FILE
    assert file.read_text() == module.document(), (
        f"run `python scripts/wire_types.py > {module.FILE}`"
    )

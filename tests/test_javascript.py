"""The rules of the browser half that a machine can check: its types, and who imports whom."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "annotator" / "ui" / "static"
UNAVAILABLE = 3

MAY_IMPORT = {
    "images": {"images", "shared"},
    "label": {"label", "probe", "shared"},
    "probe": {"probe", "shared"},
    "progress": {"progress", "shared"},
    "review": {"review", "shared"},
    "shared": {"shared"},
    "verify": {"verify", "shared"},
}
"""By folder, the folders that its modules may import from. Label shows cards of probes."""


def check_types(project: Path) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "scripts" / "check_javascript.py")
    result = subprocess.run(
        [sys.executable, script, str(project)], capture_output=True, text=True, check=False
    )
    if result.returncode == UNAVAILABLE:
        if os.environ.get("CI") in ("1", "true"):
            pytest.fail(result.stderr)
        pytest.skip(result.stderr)
    return result


@pytest.mark.slow
def test_the_types_of_the_javascript_hold() -> None:
    result = check_types(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_a_misspelt_field_of_the_wire_and_an_undeclared_parameter_are_noticed(
    tmp_path: Path,
) -> None:
    wire = os.path.relpath(STATIC / "shared" / "wire.d.ts", tmp_path)
    (tmp_path / "wrong.js").write_text(
        f"/** @import {{ Flag }} from '{wire}' */\n"
        "/** @param {Flag} flag */\n"
        "export const note = (flag) => flag.noet;\n"
        "export const twice = (number) => 2 * number;\n"
    )
    config = {"extends": str(ROOT / "tsconfig.json"), "include": ["wrong.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))

    result = check_types(tmp_path)

    assert result.returncode == 1
    assert "'noet' does not exist" in result.stdout
    assert "'number' implicitly has an 'any' type" in result.stdout


def test_a_page_imports_its_own_folder_and_the_shared_one() -> None:
    found = {
        f"{script.relative_to(STATIC)} imports {(script.parent / name).resolve().parent.name}"
        for script in STATIC.rglob("*.js")
        for name in re.findall(r"(?:from|import) '([^']+)'", script.read_text())
        if (script.parent / name).resolve().parent.name not in MAY_IMPORT[script.parent.name]
    }

    assert {path.name for path in STATIC.iterdir()} == {*MAY_IMPORT, "gradio"}
    assert found == set()

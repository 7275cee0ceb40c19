"""The library installs alone; the app is an extra, and its command says so where it is missing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from annotator.__main__ import APP_PACKAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED_AS = {"opentsne": "openTSNE", "pillow": "PIL"}


def imported_as(requirements: list[str]) -> list[str]:
    """Return the names that requirements are imported by, in their order."""
    names = [re.split(r"[<>=\[]", text)[0] for text in requirements]
    return [IMPORTED_AS.get(name, name.replace("-", "_")) for name in names]


def imports_of(package: str) -> set[str]:
    trees = [ast.parse(path.read_text()) for path in (ROOT / package).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


def test_the_library_imports_nothing_but_its_own_dependencies() -> None:
    foreign = imports_of("mlrpl") - set(sys.stdlib_module_names) - {"mlrpl"}

    assert "torch" in foreign
    may_be_missing = imported_as(PROJECT["optional-dependencies"]["fast"])
    assert foreign - set(imported_as(PROJECT["dependencies"])) == set(may_be_missing)


def test_the_app_imports_nothing_but_what_its_extra_installs() -> None:
    extras = PROJECT["optional-dependencies"]
    installed = {
        *imported_as([*PROJECT["dependencies"], *extras["app"], *extras["demo"], *extras["heif"]])
    }

    foreign = imports_of("annotator") - set(sys.stdlib_module_names) - {"annotator", "mlrpl"}

    assert "gradio" in foreign
    assert foreign - installed <= {"fastapi", "starlette", "uvicorn"}  # Gradio stands on these


def test_no_requirement_is_listed_twice() -> None:
    app = PROJECT["optional-dependencies"]["app"]
    names = imported_as([*PROJECT["dependencies"], *app])

    assert sorted(names) == sorted(set(names))


def test_the_command_looks_for_what_the_extra_installs() -> None:
    assert sorted(APP_PACKAGES) == sorted(imported_as(PROJECT["optional-dependencies"]["app"]))


def test_without_the_extra_the_command_says_what_to_install() -> None:
    # Without site-packages, nothing but the standard library and this checkout can be imported.
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "annotator", "doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "gradio" in ended.stderr
    assert 'pip install "partial-label-annotator[app]"' in ended.stderr

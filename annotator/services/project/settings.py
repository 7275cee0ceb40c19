"""The settings that people change on the pages: checked, written to `project.toml`, and in use."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from typing_extensions import TypedDict

from annotator.errors import ProjectError
from annotator.services.message import Message
from annotator.services.training.control import METHODS
from annotator.settings import FIELDS, Project, by_name, changed, load_project, save_project
from annotator.store import Store

EDITABLE = (
    *("name", "description", "suggestions.aim", "suggestions.threshold", "suggestions.precision"),
    *("asking.strategy", "asking.diversity", "probes.share"),
    *("labelling.enter", "labelling.commit_delay_ms", "method"),
    *("goal.coverage", "goal.error", "images.grey_range", "images.max_megapixels"),
    *("retraining.automatic", "retraining.min_answers", "retraining.min_present"),
    *("retraining.min_share", "retraining.every_hours", "retraining.keep_versions"),
    "retraining.finetune",
)
"""Settings that can be changed while the project is in use, in the order of the page."""


class SettingRow(TypedDict):
    """A setting as it is in `project.toml` now."""

    key: str
    value: object
    help: str


class NamedMethod(TypedDict):
    """A method to choose."""

    name: str
    does: str


class PreferenceRows(TypedDict):
    """The settings that can be changed while the project is in use."""

    settings: list[SettingRow]
    """In the order of `EDITABLE`."""
    methods: list[NamedMethod]
    backbone: str
    """Is not changed here."""


class Saved(Message):
    """Settings that were saved."""

    changed: list[str]
    """Their keys."""


class Preferences:
    """The settings of one project."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._lock = threading.Lock()

    def rows(self) -> PreferenceRows:
        """Return the settings as they are in `project.toml` now, which this process then follows.

        Raises:
            ProjectError: If the file cannot be read.
        """
        with self._lock:
            self._project.settings = load_project(self._project.path).settings
        values = by_name(self._project.settings)
        return {
            "settings": [
                {"key": key, "value": values[key], "help": FIELDS[key].description or ""}
                for key in EDITABLE
            ],
            "methods": [{"name": name, "does": does} for name, does in METHODS.items()],
            "backbone": self._project.settings.backbone,
        }

    def save(self, values: Mapping[str, object]) -> Saved:
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
            before = by_name(project.settings)
            project.settings = changed(project.settings, values, titles=True)
            save_project(project)
            self._project.settings = project.settings
        after = by_name(project.settings)
        names = [key for key in EDITABLE if after[key] != before[key]]
        titles = ", ".join(str(FIELDS[key].title) for key in names)
        return {
            "changed": names,
            "message": f"Saved: {titles}." if names else "Nothing to save.",
        }

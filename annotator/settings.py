"""A project's settings: every name, default and explanation, kept in `project.toml`."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomlkit
import tomlkit.exceptions

from annotator.errors import ProjectError
from annotator.setting_sections import STRATEGIES as STRATEGIES
from annotator.setting_sections import Asking as Asking
from annotator.setting_sections import Goal as Goal
from annotator.setting_sections import Probes as Probes
from annotator.setting_sections import Retraining as Retraining
from annotator.setting_sections import Server as Server
from annotator.setting_sections import Suggestions as Suggestions

PROJECT_FILE = "project.toml"

_LONGEST = 60
"""Characters of a backbone's name in the name of its folder."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything `project.toml` may say."""

    name: str = "untitled"
    """Shown at the top of every page and in exports."""
    description: str = ""
    """One sentence for colleagues, shown on the Progress page and in exports."""
    roots: dict[str, str] = field(default_factory=dict)
    """Named image folders; a path is absolute or relative to the project directory."""
    backbone: str = "efficientnet-lite0"
    """Network that computes the features: `efficientnet-lite0`, `efficientnet-lite1`,
    `efficientnet-lite2`, `timm:NAME` or `torchvision:NAME`; `NAME@FILE` takes the weights from a
    file, absolute or relative to the project directory; `NAME+NAME` combines networks."""
    method: str = "kernel_ridge"
    """Training method: a name that `mlrpl methods` lists."""
    database: str = "labels.db"
    """SQLite file relative to the project directory, or a database URL."""
    suggestions: Suggestions = field(default_factory=Suggestions)
    retraining: Retraining = field(default_factory=Retraining)
    asking: Asking = field(default_factory=Asking)
    probes: Probes = field(default_factory=Probes)
    goal: Goal = field(default_factory=Goal)
    server: Server = field(default_factory=Server)
    hierarchy: dict[str, list[str]] = field(default_factory=dict)
    """Names of the wider categories by the name of a category: a dog is an animal."""


@dataclass
class Project:
    """A project directory with its settings, and where everything in it lies."""

    path: Path
    settings: Settings
    """Replaced as a whole when somebody changes them, so all who share this object see it."""

    @property
    def database_url(self) -> str:
        """URL of the database, an absolute SQLite path unless the settings name another."""
        name = self.settings.database
        return name if "://" in name else f"sqlite:///{(self.path / name).resolve()}"

    @property
    def features_path(self) -> Path:
        """Folder of this project's feature files for its backbone."""
        name = self.settings.backbone
        safe = re.sub(r"[^\w.+@-]", "_", name)
        if "@" in name or len(safe) > _LONGEST:
            # Two paths may differ only in what is not allowed in a folder's name, or be too long.
            safe = f"{safe[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return self.path / "features" / safe

    @property
    def versions_path(self) -> Path:
        """Folder that holds one folder a version."""
        return self.path / "versions"

    @property
    def thumbnails_path(self) -> Path:
        """Folder of reduced pictures, rebuilt at will."""
        return self.path / "thumbnails"

    def root_path(self, root: str) -> Path:
        """Return the folder that the named image root stands for.

        Raises:
            ProjectError: If `project.toml` has no such root.
        """
        if root not in self.settings.roots:
            raise ProjectError(
                f"{self.path / PROJECT_FILE}: no image root named {root!r} under [roots]; "
                f"known: {', '.join(sorted(self.settings.roots)) or 'none'}"
            )
        return (self.path / self.settings.roots[root]).resolve()


def load_project(path: Path) -> Project:
    """Read a project directory.

    Raises:
        ProjectError: If the directory has no `project.toml`, or that file is broken or has a key
            or value that is not allowed; the message names the file and the key.
    """
    path = Path(path)
    file = path / PROJECT_FILE
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(
            f"{path} is not a project: it has no {PROJECT_FILE}. "
            f"Make one with `annotator init {path} --images FOLDER`."
        ) from None
    except NotADirectoryError:
        raise ProjectError(
            f"{path} is a file, not a project directory; "
            f"name the directory that holds {PROJECT_FILE}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(
            f"{file} is not valid TOML: {error}. Correct that line and try again."
        ) from None
    except OSError as error:
        raise ProjectError(f"{file} cannot be read: {error.strerror}.") from None
    try:
        return Project(path.resolve(), _build(Settings, table, ""))
    except ProjectError as error:
        raise ProjectError(f"{file}: {error}") from None


def save_project(project: Project) -> None:
    """Write every setting to `project.toml`; comments and the order of an old file stay."""
    file = project.path / PROJECT_FILE
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.ParseError):
        document = tomlkit.document()
    _fill(document, project.settings)
    write_atomically(file, tomlkit.dumps(document).encode())


def changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with some values replaced, checked as those of a file are.

    Args:
        settings: What stays the same otherwise.
        values: By name; that of a section's value is `section.name`.

    Raises:
        ProjectError: If there is no such setting or the value is not allowed.
    """
    table = asdict(settings)
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        within = table[section] if section in SECTIONS else table
        within[name if section in SECTIONS else key] = value
    result: Settings = _build(Settings, table, "")
    return result


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file under a temporary name and rename it, so that nobody ever sees half of it.

    Args:
        path: The file; its folder is made if need be.
        content: All of it.
        durable: Wait until it is on the disk. Without that the file may be empty after a power
            loss, which is no harm where it can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


SECTIONS: dict[str, type] = {
    "suggestions": Suggestions,
    "retraining": Retraining,
    "asking": Asking,
    "probes": Probes,
    "goal": Goal,
    "server": Server,
}
"""The tables of `project.toml` that have settings of their own, by name."""


def _build(kind: type, table: dict[str, Any], prefix: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ProjectError(
                f"unknown setting {prefix + key!r}; known: {', '.join(prefix + k for k in known)}"
            )
        if key in SECTIONS and isinstance(value, dict):
            values[key] = _build(SECTIONS[key], value, f"{key}.")
        else:
            values[key] = _checked(prefix + key, value, _default(known[key]))
    return kind(**values)


def _default(item: Any) -> Any:
    return item.default if item.default is not MISSING else item.default_factory()


def _checked(key: str, value: Any, default: Any) -> Any:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ProjectError(f"setting {key!r} must be a {_KINDS[type(default)]}, got {value!r}")
    if isinstance(value, dict):
        is_right, wanted = _ENTRIES[key]
        for name, entry in value.items():
            if not is_right(entry):
                raise ProjectError(f"setting '{key}.{name}' must be a {wanted}, got {entry!r}")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_ENTRIES: dict[str, tuple[Callable[[object], bool], str]] = {
    "roots": (_is_text, "text"),
    "hierarchy": (_is_list_of_texts, "list of category names"),
}
"""What each entry of a table must be, and how to say it."""


_KINDS = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    dict: "table of texts",
    Suggestions: "table",
    Retraining: "table",
    Asking: "table",
    Probes: "table",
    Goal: "table",
    Server: "table",
}


def _fill(container: Any, settings: Any) -> None:
    tables = []
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name in SECTIONS or isinstance(value, dict):
            tables.append((item.name, value))
        else:
            _put(container, item.name, value)
    for name, value in tables:
        if name not in container:
            container.add(name, tomlkit.table())
        if isinstance(value, dict):
            _fill_table(container[name], value)
        else:
            _fill(container[name], value)


def _fill_table(table: Any, entries: dict[str, Any]) -> None:
    for key in [key for key in table if key not in entries]:
        del table[key]
    for key, entry in entries.items():
        _put(table, key, entry)


def _put(container: Any, key: str, value: Any) -> None:
    # What is the same is left alone, with its comment and the way it was written.
    if key not in container or container[key] != value:
        container[key] = value

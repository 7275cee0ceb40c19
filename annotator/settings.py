"""A project's settings: every name, default and explanation, kept in `project.toml`."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import tomlkit
import tomlkit.exceptions
from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo

from annotator.errors import ProjectError
from annotator.setting_fields import named_fields, sentence, table_of
from annotator.setting_sections import STRATEGIES as STRATEGIES
from annotator.setting_sections import Asking as Asking
from annotator.setting_sections import Goal as Goal
from annotator.setting_sections import Images as Images
from annotator.setting_sections import Labelling as Labelling
from annotator.setting_sections import Probes as Probes
from annotator.setting_sections import Retraining as Retraining
from annotator.setting_sections import Server as Server
from annotator.setting_sections import SettingsTable
from annotator.setting_sections import Suggestions as Suggestions

PROJECT_FILE = "project.toml"

_LONGEST = 60
"""Characters of a backbone's name in the name of its folder."""


class Settings(SettingsTable):
    """Everything `project.toml` may say."""

    name: str = Field(
        default="untitled",
        title="Project name",
        description="Shown at the top of every page and in exports.",
    )
    description: str = Field(
        default="",
        title="Description",
        description="One sentence for colleagues, shown on the Progress page and in exports.",
    )
    roots: dict[str, str] = Field(
        default={},
        title="Image folders",
        description=(
            "Image folders by name; a path is absolute or relative to the project directory. If"
            " the images were moved, change the path; answers stay."
        ),
    )
    backbone: str = Field(
        default="efficientnet-lite0",
        title="Backbone",
        description=(
            "Network that computes the image features: `efficientnet-lite0`, `efficientnet-lite1`"
            " or `efficientnet-lite2` (weights are installed), `timm:NAME` or `torchvision:NAME`"
            " (weights are downloaded); `NAME@FILE` takes the weights from a file, `NAME@448px`"
            " sets the side of the square input, `NAME+NAME` combines networks."
        ),
    )
    method: str = Field(
        default="kernel_ridge",
        title="Method",
        description=(
            "Training method: a name that `mlrpl methods` lists; or `auto`: `kernel_ridge` makes"
            " each version at once, then challengers learn the same in the background, and one that"
            " is better takes its place."
        ),
    )
    database: str = Field(
        default="labels.db",
        title="Database",
        description=(
            "SQLite file, absolute or relative to the project directory, or a database URL. SQLite"
            " on a network disk is refused."
        ),
    )
    images: Images = Images()
    suggestions: Suggestions = Suggestions()
    retraining: Retraining = Retraining()
    asking: Asking = Asking()
    labelling: Labelling = Labelling()
    probes: Probes = Probes()
    goal: Goal = Goal()
    server: Server = Server()
    hierarchy: dict[str, list[str]] = Field(
        default={},
        title="Hierarchy",
        description="Broader categories by the name of a category: a dog is an animal.",
    )


SECTIONS = tuple(name for name, info in Settings.model_fields.items() if table_of(info))
"""The tables of `project.toml` that have settings of their own."""

FIELDS: Mapping[str, FieldInfo] = dict(named_fields(Settings))
"""What each setting is, means and may be; those of a section are named `section.name`."""


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
    def predictions_path(self) -> Path:
        """Folder that holds one folder of scores a predictor."""
        return self.path / "predictions"

    @property
    def kept_maps_path(self) -> Path:
        """Folder of what fine-tuning on a CPU reads in place of pictures, made again at will."""
        return self.path / "kept_maps"

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

    @property
    def root_paths(self) -> dict[str, Path]:
        """The folders that all image roots stand for."""
        return {root: self.root_path(root) for root in self.settings.roots}


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
    except (ValueError, RecursionError) as error:  # also UTF-8, or a number of 5,000 digits
        raise ProjectError(
            f"{file} is not valid TOML: {error}. Correct that line and try again."
        ) from None
    except OSError as error:
        raise ProjectError(f"{file} cannot be read: {error.strerror}.") from None
    try:
        return Project(path.resolve(), _checked(table))
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


def changed(settings: Settings, values: Mapping[str, Any], *, titles: bool = False) -> Settings:
    """Return settings with some values replaced, checked as those of a file are.

    Args:
        settings: What stays the same otherwise.
        values: By name; that of a section's value is `section.name`.
        titles: Name a setting that is refused as the pages do.

    Raises:
        ProjectError: If there is no such setting or the value is not allowed.
    """
    table = settings.model_dump()
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        within = table[section] if section in SECTIONS else table
        within[name if section in SECTIONS else key] = value
    return _checked(table, titles=titles)


def by_name(settings: Settings) -> dict[str, Any]:
    """Return every value under its name in `FIELDS`."""
    table = settings.model_dump()
    sections = {name: table.pop(name) for name in SECTIONS}
    table |= {
        f"{s}.{name}": value for s, within in sections.items() for name, value in within.items()
    }
    return table


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file under a temporary name and rename it, so that nobody ever sees half of it.

    Args:
        path: The file; its folder is made if need be.
        content: All of it.
        durable: Wait until it is on the disk. Without that the file may be empty after a power
            loss, which is no harm where it can be made again.
    """
    with writing_atomically(path, durable=durable) as file:
        file.write(content)


@contextmanager
def writing_atomically(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Give a file to write to that takes its name when the block ends; see `write_atomically`.

    If the block fails, what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _checked(table: dict[str, Any], *, titles: bool = False) -> Settings:
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise ProjectError(sentence(error, Settings, titles=titles)) from None


def _fill(document: tomlkit.TOMLDocument, settings: Settings) -> None:
    values = settings.model_dump()
    tables = [name for name, value in values.items() if isinstance(value, dict)]
    for name in [name for name in values if name not in tables]:
        _put(document, name, values[name])
    for name in tables:
        if name not in document:
            document.add(name, tomlkit.table())
        table: Any = document[name]
        if name not in SECTIONS:
            for key in [key for key in table if key not in values[name]]:
                del table[key]
        for key, value in values[name].items():
            _put(table, key, value)


def _put(container: Any, key: str, value: Any) -> None:
    # What is the same is left alone, with its comment and the way it was written.
    if key not in container or container[key] != value:
        container[key] = value

"""All services of one open project, bundled for whoever shows them to a person."""

from __future__ import annotations

from pathlib import Path

from annotator.services.clock import Clock, utc_now
from annotator.services.labelling import Labelling
from annotator.services.media import Media
from annotator.services.progress import ProgressReport
from annotator.services.recording import Recording
from annotator.services.suggestions import Suggestions
from annotator.services.transfer import Transfer
from annotator.settings import Project, load_project
from annotator.store import Store


class Services:
    """What a user can do with one project."""

    def __init__(self, project: Project, store: Store, clock: Clock = utc_now) -> None:
        self.project = project
        self.store = store
        self.suggestions = Suggestions(project, store)
        self.media = Media(project, store)
        self.recording = Recording(store, self.media, clock)
        self.labelling = Labelling(project, store, self.suggestions, self.media, clock)
        self.transfer = Transfer(project, store, self.suggestions, clock)
        self.progress = ProgressReport(project, store, self.suggestions, clock)

    @classmethod
    def open(cls, path: Path) -> Services:
        """Open a project directory.

        Raises:
            ProjectError: If it is not a project or its settings are broken.
            StoreError: If its database cannot be used.
        """
        project = load_project(path)
        return cls(project, Store.open(project.database_url))

    def close(self) -> None:
        """Close the database."""
        self.store.close()

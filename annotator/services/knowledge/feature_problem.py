"""Whether the features of the images can be used, looked at only when a file has changed."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from annotator.arrays import version_features
from annotator.arrays import versions as version_files
from annotator.settings import Project

log = logging.getLogger("annotator.services")


class FeatureProblem:
    """Why the trainer of a project waits for its features to be made again."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._seen: Any = None
        self._paths: set[Path] = set()
        self._stamps: Any = None
        self._sentence = ""

    def sentence(self, number: int | None) -> str:
        """Return what is wrong and what to do; empty if nothing is.

        Args:
            number: Of the promoted version; None before there is one.
        """
        with self._lock:
            seen = (self._project.features_path, number, self._version_stamp(number))
            if seen != self._seen:
                of_version = version_features.features_path(self._project, number)
                self._paths, self._seen = {self._project.features_path, of_version}, seen
            stamps = {path: version_features.stamp(path) for path in self._paths}
            if stamps != self._stamps:
                found = "; ".join(filter(None, map(version_features.damage, sorted(self._paths))))
                if found and found != self._sentence:
                    log.warning("%s", found)
                self._sentence, self._stamps = found, stamps
            return self._sentence

    def _version_stamp(self, number: int | None) -> int:
        if number is None:
            return 0
        return version_files.stamp(version_files.folder(self._project, number))

"""What is known of an image beside its labels: its files, and what the camera wrote into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from annotator.domain import ImagePath
from annotator.images.camera_facts import CameraFacts, camera_facts
from annotator.services.catalogue.pictures import names_of, written_names
from annotator.settings import Project
from annotator.store import Store, images
from annotator.wire import image_information as wire
from annotator.wire.image_information import ImageFile, ImageInformationRequest

MOST_FILES = 20
"""Files with the same content that are listed."""

REMEMBERED = 512
"""Files of which it is remembered what the camera wrote into them."""

NO_FILE = "No file of this project holds this image any more; what is known is from the last scan."
GONE = "The file is not there now; restore it, or point its image folder to its new place."


@dataclass(frozen=True)
class _File:
    place: Path
    size: int
    modified_ns: int
    problem: str = ""


class ImageInformation:
    """Looks up what is known of the images of one project; never changes a file."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        # A file that was changed has another size or time, and is read anew.
        self._read = lru_cache(maxsize=REMEMBERED)(_read)

    def of(self, annotator: str, request: ImageInformationRequest) -> wire.ImageInformation:
        """Return what is known of an image, also while its file is missing or damaged.

        Raises:
            NotFound: If there is no such image.
        """
        del annotator
        with self._store.reading() as tx:
            image = images.get(tx, request.image)
            paths = images.paths_of(tx, [image.id]).get(image.id, [])[:MOST_FILES]
            name, called = names_of(tx, [image.id])[image.id], written_names(tx, paths)
        files = [self._file(path) for path in paths]
        facts, problem = self._facts(files)
        return {
            "image": image.id,
            "number": image.ordinal + 1,
            "name": name,
            "width": image.width,
            "height": image.height,
            "format": image.format,
            "files": [_row(called[path.id], file) for path, file in zip(paths, files, strict=True)],
            "problem": problem,
            "camera": _camera(facts, with_position=request.position),
        }

    def _file(self, path: ImagePath) -> _File:
        place = self._project.root_path(path.root) / path.path
        try:
            now = place.stat()
        except OSError as error:
            problem = GONE if isinstance(error, FileNotFoundError) else _unreadable(error)
            return _File(place, path.size, path.modified_ns, problem)
        return _File(place, now.st_size, now.st_mtime_ns)

    def _facts(self, files: list[_File]) -> tuple[CameraFacts, str]:
        """Return what the first file says that can be read, and why none says anything."""
        problem = NO_FILE if not files else ""
        for file in files:
            if not file.problem:
                try:
                    return self._read(file), ""
                except OSError as error:
                    problem = problem or _unreadable(error)
            problem = problem or file.problem
        return CameraFacts(), problem


def _read(file: _File) -> CameraFacts:
    return camera_facts(file.place)


def _unreadable(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"The file cannot be read ({reason}); check its permissions and its disk."


def _row(name: str, file: _File) -> ImageFile:
    # A time before 1970 or beyond the calendar is a file system's mistake, not worth a failure.
    seconds = min(max(0, file.modified_ns // 10**9), 2**37)
    return {
        "name": name,
        "folder": str(file.place.parent),
        "bytes": max(0, file.size),
        "modified": datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else "",
        "problem": file.problem,
    }


def _camera(facts: CameraFacts, *, with_position: bool) -> wire.CameraData:
    return {
        "camera": facts.camera,
        "lens": facts.lens,
        "taken": facts.taken,
        "exposure": facts.exposure,
        "orientation": facts.orientation,
        "has_position": facts.position is not None,
        "position": facts.position if with_position else None,
    }

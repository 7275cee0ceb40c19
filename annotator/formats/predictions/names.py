"""What the ids in a file of scores mean, where another file says it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from annotator.errors import FormatError
from annotator.formats.coco_lists import read_categories, read_images
from annotator.formats.files import read_text
from annotator.formats.json_documents import load
from annotator.formats.json_shapes import Identifier, identifier
from annotator.formats.notes import Notes


@dataclass(frozen=True)
class Names:
    """Names by id; an id without one stays as it is."""

    images: Mapping[Identifier, str] = field(default_factory=dict)
    categories: Mapping[Identifier, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Names:
        """Read the names in a COCO file, or in a CSV file of two columns, id and category.

        Raises:
            FormatError: If the file is neither.
            NotFound: If there is no such file.
        """
        notes = Notes()
        if path.suffix.lower() == ".json":
            document = load(path, notes)
            listed = read_categories(path, document, notes)
            return cls(
                {
                    number: draft.file_name
                    for number, draft in read_images(path, document, notes).items()
                },
                {number: record.name for number, record in listed.items()},
            )
        found: dict[Identifier, str] = {}
        for line, cells in enumerate(csv.reader(io.StringIO(read_text(path, notes))), 1):
            if not any(cell.strip() for cell in cells):
                continue
            number = identifier(cells[0])
            if len(cells) != 2 or number is None or not cells[1].strip():
                raise FormatError(
                    f"{path}: line {line}: expected an id and a name, as in '/m/01yrx,cat', got "
                    f"{len(cells)} cells; correct the line."
                )
            found[number] = cells[1].strip()
        return cls({}, found)

    def image(self, number: Identifier) -> Identifier:
        """Return what an image is called, as far as it is known."""
        return self.images.get(number, number)

    def category(self, number: Identifier) -> Identifier:
        """Return what a category is called, as far as it is known."""
        return self.categories.get(number, number)

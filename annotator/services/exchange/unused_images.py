"""What an import says about images that are in no count: removed ones and those without a file."""

from __future__ import annotations

from annotator.services.exchange.name_matching import MatchedNames
from annotator.store import Transaction, image_use


def unused_in(tx: Transaction, names: MatchedNames) -> tuple[str, ...]:
    """Return in a sentence what becomes of a file's labels of such images; none: no sentence."""
    unused = image_use.unused(tx)
    number = len({path.image_id for _, path in names.matched if path.image_id in unused})
    if not number:
        return ()
    which = "1 image that is" if number == 1 else f"{number:,} images that are"
    return (
        f"labels of {which} removed or without a file are imported, but not shown or exported for "
        "now: see `annotator images PROJECT restore` and `annotator images PROJECT missing`.",
    )

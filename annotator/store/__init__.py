"""The only package that knows SQL: a project database behind plain functions and dataclasses."""

from annotator.store import (
    annotators,
    answers,
    categories,
    certificates,
    grid,
    image_use,
    images,
    import_rollback,
    imported_annotations,
    jobs,
    key_values,
    leases,
    merges,
    snapshot,
    staged_imports,
    versions,
    visits,
)
from annotator.store.connection import Store, Transaction

__all__ = [
    "Store",
    "Transaction",
    "annotators",
    "answers",
    "categories",
    "certificates",
    "grid",
    "image_use",
    "images",
    "import_rollback",
    "imported_annotations",
    "jobs",
    "key_values",
    "leases",
    "merges",
    "snapshot",
    "staged_imports",
    "versions",
    "visits",
]

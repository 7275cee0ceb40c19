"""The only room that knows SQL: a project's database behind plain functions and dataclasses."""

from annotator.store import (
    annotators,
    answers,
    categories,
    grid,
    images,
    imported,
    jobs,
    leases,
    merges,
    staged,
    taken_back,
    values,
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
    "grid",
    "images",
    "imported",
    "jobs",
    "leases",
    "merges",
    "staged",
    "taken_back",
    "values",
    "versions",
    "visits",
]

"""Embeds a project slowly, with a network of colours, and says how far it is; to be killed."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_embedding import colours

from annotator.domain import JobKind
from annotator.settings import load_project
from annotator.store import Store, jobs
from annotator.worker import embedding
from annotator.worker.job_control import Control

NOW = datetime(2026, 1, 1, tzinfo=UTC)

project = load_project(Path(sys.argv[1]))
store = Store.open(project.database_url)
with store.writing() as tx:
    jobs.enqueue(tx, JobKind.EMBED, {}, NOW)
    job = jobs.claim(tx, "first", [JobKind.EMBED], NOW)
assert job is not None


def slowly(progress) -> None:
    print("done", progress["done"], flush=True)
    time.sleep(0.05)


control = Control(store, job, clock=lambda: NOW, on_progress=slowly)
embedding.embed(project, control, "cpu", load=colours, sample=4)

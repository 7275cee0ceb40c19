"""The background process that embeds, trains and scores; the only package that imports torch."""

from annotator.worker.main import do_job, is_worker_alive, work

__all__ = ["do_job", "is_worker_alive", "work"]

"""The background process: embeds, learns, scores. The only room of the app that imports torch."""

from annotator.worker.main import do_job, is_worker_alive, work

__all__ = ["do_job", "is_worker_alive", "work"]

"""A project itself: created, its image folders, settings and identity."""

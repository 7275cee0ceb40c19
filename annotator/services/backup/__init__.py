"""Backups of a project in one file, and projects made from them."""

"""Memory-mapped NumPy files of a project: features, scores of versions, frozen certificates."""

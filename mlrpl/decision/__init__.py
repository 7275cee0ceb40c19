"""From scores to decisions, in NumPy and SciPy only, so that a page can use it too."""

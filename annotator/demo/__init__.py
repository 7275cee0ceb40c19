"""`annotator demo`: an example project, made, embedded and opened."""

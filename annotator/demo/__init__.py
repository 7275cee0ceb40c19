"""`annotator demo`: an example project, made and opened."""

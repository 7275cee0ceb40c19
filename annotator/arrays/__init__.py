"""One room of the app; see CONTRIBUTING.md."""

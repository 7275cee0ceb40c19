"""Label multi-label images with a model that learns beside you."""

"""Where pictures come from: folders, decoding with guards, thumbnails."""

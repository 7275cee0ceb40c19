"""Where images come from: folders, guarded decoding, thumbnails."""

"""What scores pairs besides people and the trained version: files today, and the names' classes."""

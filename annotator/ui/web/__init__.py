"""The web server below the pages: security, limits, sessions, identity, pictures and files."""

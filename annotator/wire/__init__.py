"""What crosses the wire between the pages and the services."""

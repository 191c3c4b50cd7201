"""Screenshots for the documentation, from a browser without a window."""

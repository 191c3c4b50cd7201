"""Several clients at one server."""

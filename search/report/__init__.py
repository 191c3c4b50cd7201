"""One self-contained HTML page about a study, and tables for the terminal."""

"""Where images are generated: in this process or in several."""

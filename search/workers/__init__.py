"""Who runs the model: this process, or worker processes here or on a Ray cluster."""

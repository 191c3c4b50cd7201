"""The model that a study tunes: loading it, its prompts, and the images it makes."""

"""A study: proposals from Optuna, records of what they measured, the front that remains."""

"""How long a schedule takes: the cost table, and end-to-end times to check it with."""

"""What a notebook shows live: one folder a widget, each with a static form for notebooks that are only read."""

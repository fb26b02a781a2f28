"""Training models, from nothing or from others' weights."""

"""Prompt functions, templates and typed answers."""

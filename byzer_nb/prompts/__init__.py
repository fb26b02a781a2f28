"""Prompt functions: a docstring that is a program for a language model."""

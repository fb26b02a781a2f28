"""Tests of the documents' dialect: what their notebooks write has to work."""

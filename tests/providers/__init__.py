"""Tests of the providers and of the wire beneath them."""

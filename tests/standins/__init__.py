"""Servers of third parties, played in process from their public protocols."""

"""Tests about the house itself: its layers, its surface, its promises."""

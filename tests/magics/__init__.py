"""The magics, in a real shell and in a real kernel."""

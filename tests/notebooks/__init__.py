"""The notebooks are the manual, so all of them run."""

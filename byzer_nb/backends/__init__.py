"""Models on this machine: one file an engine, one shared loop from tokens to deltas."""

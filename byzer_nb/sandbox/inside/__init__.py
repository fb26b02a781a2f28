"""What is sent into the process of a run: only the standard library, and as little of that as goes."""

"""Local engines: the arithmetic, the loop, and what a user sees of them."""

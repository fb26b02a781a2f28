"""Code in the sandbox computes, and does nothing else."""

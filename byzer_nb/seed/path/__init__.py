"""A folder at the very end of Python's path, so that `import byzerllm` finds the original first, if there is one."""

"""The command line: `byzerllm`, which is also `python -m byzer_nb`, and `easy-byzerllm`.

Reading the arguments loads nothing heavy; a sub-command imports what it needs when it runs.
"""

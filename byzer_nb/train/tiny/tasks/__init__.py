"""The grammar of the corpus: one file for each thing that byzer-tiny learns."""

"""byzer-tiny from nothing: its corpus, its tokenizer, its training and its evaluation."""

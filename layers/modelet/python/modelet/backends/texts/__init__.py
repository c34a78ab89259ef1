"""Models of texts: an exported transformer with its tokenizer. Only functions that use one import these modules."""

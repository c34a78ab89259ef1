"""The inputs of a batch: found by URL, cut into chunks, and read in pieces of bounded size."""

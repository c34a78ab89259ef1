"""The handlers that the benchmark of texts measures Modelet beside."""

"""The handlers that the benchmark of images measures Modelet beside."""

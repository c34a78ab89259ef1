"""The handlers that the benchmark of kinds of models measures Modelet beside."""

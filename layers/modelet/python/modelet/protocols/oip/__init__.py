"""The Open Inference Protocol, version 2: bodies, tensors and their data types."""

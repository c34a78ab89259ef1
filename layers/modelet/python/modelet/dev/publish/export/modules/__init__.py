"""Export any module of torch to ONNX, and compare the two, in the environment of `make export`."""

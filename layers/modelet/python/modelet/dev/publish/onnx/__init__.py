"""Convert estimators to ONNX graphs, with our own operators, and optimise the graphs."""

"""Conversion of estimators to ONNX graphs, with our own converters, and optimisation of the graphs."""

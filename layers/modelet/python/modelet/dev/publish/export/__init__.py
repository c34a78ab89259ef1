"""Export a trained transformer to ONNX, in an environment with torch (`make export`). Only this room imports torch."""

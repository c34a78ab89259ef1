"""The meaning of a body: rows and the Open Inference Protocol; only edges call them."""

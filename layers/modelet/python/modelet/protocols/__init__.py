"""Protocols, which give a body its meaning: rows and the Open Inference Protocol; only edges call them."""

"""Batches: rows scored by workers into a prediction table or into S3; only workers and platform functions import it."""

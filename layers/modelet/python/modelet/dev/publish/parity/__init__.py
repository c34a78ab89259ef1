"""Parity of a graph and its estimator: the rows for their comparison, and the report of differences."""

"""Parity: the rows for the comparison of a graph with its estimator, and the report of differences."""

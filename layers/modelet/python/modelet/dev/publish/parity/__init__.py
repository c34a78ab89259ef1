"""Parity: rows on which a graph and its estimator are compared, and the report of a difference."""

"""Contracts: read and validate instances, and describe the violations."""

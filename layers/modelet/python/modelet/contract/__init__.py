"""Contracts: how instances are read and validated, and what is said of those that break a rule."""

"""Benchmarks: run each with `python -m benchmarks.NAME`. None of them is a test with a time limit."""

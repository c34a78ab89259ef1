"""Measured claims: each module is one, run as `python -m benchmarks.NAME`. Nothing here is a test with a clock."""

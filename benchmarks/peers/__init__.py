"""Other servers with the same model, as their documentation has it: code that runs in environments of their own.

What they import is not installed in this project's environment; `benchmarks.servers` starts them.
"""

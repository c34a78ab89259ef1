"""Other model servers with the same model, written as in their documentation. Each runs in its own environment.

Their imports are not installed in this project's environment. `benchmarks.servers` starts them.
"""

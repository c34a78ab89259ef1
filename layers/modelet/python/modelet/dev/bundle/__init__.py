"""Build `bundle.json` from a function's folder and its lock. Only this package compiles types to core schemas."""

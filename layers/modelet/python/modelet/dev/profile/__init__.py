"""Where a function's cold start goes, measured in fresh processes, and what its author can change; the laptop only."""

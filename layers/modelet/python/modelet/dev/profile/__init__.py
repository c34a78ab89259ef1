"""Profile a function's cold start in fresh processes, and advise the author what to change. For laptops only."""

"""Batches: workers score many rows into a prediction table or into S3. Online functions never import this."""

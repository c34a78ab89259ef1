"""Stores: versions of models in a folder or in S3, and their manifests; obstore is imported here alone."""

"""Stores: versions of models in a folder or in S3, and their manifests. Only this package imports obstore."""

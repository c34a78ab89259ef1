"""API Gateway on a laptop: an HTTP or REST API's events and responses."""

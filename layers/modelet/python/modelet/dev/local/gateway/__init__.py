"""API Gateway on a laptop: events and responses of an HTTP API or a REST API."""

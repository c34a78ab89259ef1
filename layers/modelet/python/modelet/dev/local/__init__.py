"""Lambda and API Gateway on a laptop: environments that run the official runtime client, and a gateway; for dev/cli."""

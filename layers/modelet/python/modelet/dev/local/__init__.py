"""Lambda on a laptop: environments that run the official runtime client, API Gateway in front of them; for dev/cli."""

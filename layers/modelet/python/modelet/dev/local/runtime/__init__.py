"""Lambda on a laptop: environments, each a process with the official runtime client."""

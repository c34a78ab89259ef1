"""Lambda on a laptop: each environment is a process with the official runtime client."""

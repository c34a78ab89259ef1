"""Jobs: single asynchronous requests through a queue; only workers and platform functions import it."""

"""`modelet jobs`: the asynchronous requests of a model."""

from modelet.dev.cli.jobs.group import jobs as jobs

"""`modelet batch`: one file for each of its commands."""

from modelet.dev.cli.batch.group import batch as batch

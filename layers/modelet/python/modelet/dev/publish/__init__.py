"""Publish, push and pin: train, convert, compare, write; for train.py files and the command line, on a laptop only."""

from modelet.dev.publish.columns import columns_of
from modelet.dev.publish.pinning import pin, resolve_lock
from modelet.dev.publish.publication import Published, publish
from modelet.dev.publish.pushing import push
from modelet.dev.publish.trained import Trained

__all__ = ["Published", "Trained", "columns_of", "pin", "publish", "push", "resolve_lock"]

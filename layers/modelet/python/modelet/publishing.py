"""The public API of dev/publish, for a train.py on the publisher's machine."""

from modelet.dev.publish.pin import pin, resolve_lock
from modelet.dev.publish.publish import Published, publish
from modelet.dev.publish.push import push
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.exported import Exported
from modelet.dev.publish.source.module import ExportedModule
from modelet.dev.publish.source.trained import Trained
from modelet.dev.publish.source.words import word_model

__all__ = [
    "Exported",
    "ExportedModule",
    "Published",
    "Trained",
    "columns_of",
    "pin",
    "publish",
    "push",
    "resolve_lock",
    "word_model",
]

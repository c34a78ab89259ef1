"""The entry point of a function folder that has no app.py: it serves the pinned version by its backend alone."""

from __future__ import annotations

from modelet.handler import ModelHandler

handler = ModelHandler()

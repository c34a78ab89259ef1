"""The errors that stop a synth. The message is one line that names the file, the key and the remedy."""

from __future__ import annotations

from modelet.errors import CommandError


class SynthError(CommandError):
    """The project cannot be deployed in its present state."""

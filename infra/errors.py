"""What stops a synth: the message is one line that names the file, the key and the remedy."""

from __future__ import annotations

from modelet.errors import CommandError


class SynthError(CommandError):
    """The project cannot be deployed as it is."""

"""The sample's corpus and training: for the publisher's machine, never in the image."""

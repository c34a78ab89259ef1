"""The sample's data, network and training: for the publisher's machine, never in the image."""

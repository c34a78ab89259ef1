"""The start of a function, before its first request: secrets, the pinned version, snapshots."""

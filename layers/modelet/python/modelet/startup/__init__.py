"""What a function does before its first request: secrets, the pinned version, snapshots."""

"""What a store holds: models, versions and aliases; for the laptop and platform functions alone."""

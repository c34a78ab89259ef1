"""The models, versions and aliases in a store; only the laptop and platform functions import this package."""

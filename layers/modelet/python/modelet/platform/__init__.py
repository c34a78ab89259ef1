"""What the platform functions share; no model function and no worker imports it."""

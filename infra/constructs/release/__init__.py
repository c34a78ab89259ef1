"""The release of a version of a model: its check, its alarms, its roll-back; a model's stack creates it."""

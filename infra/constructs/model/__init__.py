"""A model's function: its image, configuration, role and network; only a model's stack creates one."""

"""A project on this machine: its folders, model.yaml, routes and the author's modules. Only this package reads YAML."""

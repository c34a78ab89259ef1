"""Dashboards, the API's alarm and the topic of all alarms; only the stacks of the API and of a model create them."""

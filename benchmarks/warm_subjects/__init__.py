"""Other handlers for the same models, configured by environment variables, to compare warm requests with Modelet."""

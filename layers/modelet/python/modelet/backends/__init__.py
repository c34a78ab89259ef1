"""Glue to one ML framework a file, imported when a function names it; nobody else imports the frameworks."""

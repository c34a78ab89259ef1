"""The command line: one file per command. A command imports the modules that do its work only when it runs."""

from modelet.dev.cli.group import main as main

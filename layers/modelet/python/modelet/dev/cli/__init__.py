"""The command line, one file per verb; what a verb does is in the modules around it, which it imports when it runs."""

from modelet.dev.cli.group import main as main

"""The operators that are functions of their arguments' values, one family a module; `register` lists all."""

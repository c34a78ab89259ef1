"""The templates of `modelet new`, and the code that fills them; used by dev/cli."""

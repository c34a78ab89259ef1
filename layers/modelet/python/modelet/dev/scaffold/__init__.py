"""What `modelet new` writes, as templates beside the code that fills them; for dev/cli."""

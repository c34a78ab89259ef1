"""MiniStack with what our templates need and it lacks; runs in MiniStack's own Python environment, not in ours.

It patches private parts of one pinned version (requirements/ministack.txt): a newer one needs a look at each of them.
"""

"""The bucket and the tables that outlive the stacks that serve; only the storage stack creates them."""

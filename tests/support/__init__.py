"""What tests share: projects, events, contexts, clients and servers."""

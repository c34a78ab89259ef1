"""One adapter per kind of event, between what Lambda hands over and a protocol; only the handler calls them."""

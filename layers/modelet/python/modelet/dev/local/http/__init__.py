"""HTTP/1.1 on a local port, for the gateway and the Runtime API."""

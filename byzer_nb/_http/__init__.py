"""HTTP/1.1 over bare sockets, for what is called or answered thousands of times a second."""

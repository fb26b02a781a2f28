"""Everything that knows Ray: what is deployed, who works, and how a request finds a worker."""

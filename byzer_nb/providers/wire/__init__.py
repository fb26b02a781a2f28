"""What every provider is reached by: HTTP with time limits, retries, events, and nothing but our own errors."""

"""The cluster: leases, workers, and the way to them."""

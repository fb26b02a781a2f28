"""Models over the network, one file a provider, on one shared wire layer."""

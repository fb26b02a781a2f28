"""Clients, transports and what an answer is while it comes."""

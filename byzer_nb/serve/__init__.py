"""The gateway: every model that can be called, behind the protocols that other programs speak."""

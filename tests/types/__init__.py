"""What travels between the floors."""

"""The helpers that serve every floor."""

"""From training rows to a system."""

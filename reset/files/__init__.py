"""How rows and figures lie on disk."""

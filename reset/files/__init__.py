"""How tables and metrics are stored on disk, and hashes of files."""

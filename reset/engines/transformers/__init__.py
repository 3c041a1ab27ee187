"""The engine that runs transformers in this process."""

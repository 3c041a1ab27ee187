"""Prompts, token ids and model loading, shared by training and all engines."""

"""Shared code of the judges that compare sentences with a model."""

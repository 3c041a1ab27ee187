"""The stages of the line: one thin entry point each, run as `python -m stages.<name>`."""

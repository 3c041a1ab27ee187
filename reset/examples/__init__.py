"""From raw records to examples, mixtures and prompts."""

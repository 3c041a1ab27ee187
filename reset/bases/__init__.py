"""Where systems start: a model from the hub, or one of the micro world's trained from scratch (table `BASES`)."""

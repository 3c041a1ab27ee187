"""Starting models: a model from the hub, or a model of the micro world trained from scratch (table `BASES`)."""

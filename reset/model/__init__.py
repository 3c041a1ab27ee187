"""How text becomes token ids and how a model is loaded: one way for training and every engine."""

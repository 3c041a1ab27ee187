"""The scales that the project ships. A user's own scales lie beside them in conf/scale/, and no test asks for them."""

SHIPPED = ("gpu", "laptop", "micro", "own", "paper", "rehearsal", "smoke")

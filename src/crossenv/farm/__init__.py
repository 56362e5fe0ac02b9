"""Every variant of a wheel: requirements, Pythons and targets in, wheels and a report out."""

"""Build every variant of a wheel, from requirements, Pythons and targets."""

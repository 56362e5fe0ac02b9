"""What is inside a wheel: audit and repair."""

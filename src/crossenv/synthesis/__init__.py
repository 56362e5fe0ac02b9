"""What a Python that nobody has built for the target would say."""

"""Try a wheel under emulation: install it into a throw-away tree, import it, and run tests."""

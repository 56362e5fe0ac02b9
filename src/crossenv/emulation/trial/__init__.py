"""Tries a wheel on its host: installs it into a throw-away tree, imports it, and runs tests, under emulation."""

"""Check, tag and repair wheels."""

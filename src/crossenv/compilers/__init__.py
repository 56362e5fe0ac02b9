"""The compiler for the host: what it is, and how it is found."""

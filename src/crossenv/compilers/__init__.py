"""Find, prove and launch compilers for the target."""

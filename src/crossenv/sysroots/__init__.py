"""Host Pythons and libraries from Debian's archive, without root: verified, resolved, unpacked."""

"""Runs programs of the host on this machine, under QEMU's user-mode emulator, without root.

What is run is the host's own interpreter with the host's own libraries: the environment's, or Debian's for the target.
"""

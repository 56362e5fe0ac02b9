"""A cross toolchain from PyPI: zig's clang, linker and C libraries behind launchers that build systems know.

`locate` finds zig, `launchers` compiles and configures the launcher (`launcher.c`), `find` makes a `Toolchain` of them.
"""

"""`pythonX.Y-config` for the host: the answers of CPython's script of that name, from the host's configuration.

Run as `python -m _crossenv.python_config`.
"""

import sys
import sysconfig

OPTIONS = (
    "--prefix",
    "--exec-prefix",
    "--includes",
    "--libs",
    "--cflags",
    "--ldflags",
    "--extension-suffix",
    "--help",
    "--abiflags",
    "--configdir",
    "--embed",
)


def variable(name: str) -> str:
    """Return a configuration variable as text; "" if there is none."""
    value = sysconfig.get_config_var(name)
    return "" if value is None else str(value)


def includes() -> str:
    """Return the options that find the headers, each directory once."""
    return " ".join(f"-I{path}" for path in dict.fromkeys((variable("INCLUDEPY"), variable("CONFINCLUDEPY"))))


def libraries(*, embed: bool) -> str:
    """Return the options that link against what an extension module, or with `embed` a program, needs."""
    own = [f"-lpython{variable('VERSION')}{variable('ABIFLAGS')}"] if embed else []
    return " ".join([*own, *variable("LIBS").split(), *variable("SYSLIBS").split()])


def answer(option: str, *, embed: bool) -> str:
    """Return the output of one option."""
    if option in ("--prefix", "--exec-prefix"):
        # FindPython looks for headers below it, here.
        return variable("installed_base")
    if option == "--includes":
        return includes()
    if option == "--cflags":
        return f"{includes()} {variable('CFLAGS')}".strip()
    if option == "--libs":
        return libraries(embed=embed)
    if option == "--ldflags":
        return f"-L{variable('LIBDIR')} {libraries(embed=embed)}".strip()
    if option == "--extension-suffix":
        return variable("EXT_SUFFIX")
    if option == "--abiflags":
        return variable("ABIFLAGS")
    return variable("LIBPL")


def main(arguments: "list[str]") -> int:
    """Print one line per option, in the order given."""
    usage = f"Usage: python{variable('VERSION')}-config {'|'.join(OPTIONS)}"
    if "--help" in arguments:
        print(usage)
        return 0
    if not arguments or any(option not in OPTIONS for option in arguments):
        print(usage, file=sys.stderr)
        return 1
    embed = "--embed" in arguments
    for option in arguments:
        if option != "--embed":
            print(answer(option, embed=embed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

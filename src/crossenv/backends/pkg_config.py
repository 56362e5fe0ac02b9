"""pkg-config for the target's sysroot only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from crossenv.record import PREFIX, BackendRecord, Record

EMPTY_DIRECTORY = "etc/pkgconfig"
# A directory with `pkg-config` alone, for the PATH of hook processes if there is a pkg-config to call.
PLAIN_DIRECTORY = "etc/pkg-config/bin"

# Calls the first other pkg-config on $PATH. Files of build requirements come first: their paths are this machine's, and
# must not be prefixed with a sysroot.
_LAUNCHER = """\
#!/bin/sh
{settings}IFS=:
for directory in $PATH; do
  case $directory in
    {own}) ;;
    *) if [ -x "$directory/pkg-config" ]; then program=$directory/pkg-config; break; fi ;;
  esac
done
unset IFS
if [ -z "$program" ]; then
  echo "crossenv: error: pkg-config is not on PATH; install your distribution's pkg-config or pkgconf" >&2
  exit 127
fi
paths=$CROSSENV_PKG_CONFIG_PATH
case " $* " in
  *" --list-"*) paths= ;;
  *python*) paths=${{paths:+$paths:}}{python} ;;
esac
if [ -n "$paths" ]; then
  if said=$(PKG_CONFIG_LIBDIR=$paths PKG_CONFIG_SYSROOT_DIR= "$program" "$@" 2>/dev/null); then
    [ -z "$said" ] || printf '%s\\n' "$said"
    exit 0
  fi
fi
exec "$program" "$@"
"""


def launcher_path(record: Record) -> str:
    """Return the pkg-config that answers for the target."""
    return f"{record.root}/etc/bin/{record.toolchain.triplet}-pkg-config"


def _python_files(record: Record) -> dict[str, str]:
    """Return the target Python's `.pc` files, like those that CPython installs."""
    host = record.host
    version = f"{host.version}{host.abi_flags}"
    includes = " ".join(f"-I{_escaped(directory)}" for directory in dict.fromkeys(host.include_dirs))
    prefix = _escaped(f"{record.root}/{PREFIX}")
    texts = {}
    for suffix, what, libraries in (
        ("", "extension modules", ""),
        ("-embed", "programs", f" -L${{libdir}} -lpython{version}"),
    ):
        text = (
            f"prefix={prefix}\nexec_prefix=${{prefix}}\nlibdir=${{exec_prefix}}/lib\nincludedir=${{prefix}}/include\n\n"
            f"Name: Python\nDescription: Python of the target, for {what}\nVersion: {host.version}\n"
            f"Libs:{libraries}\nCflags: {includes}\n"
        )
        for name in dict.fromkeys((f"python-{version}", f"python-{host.version}", "python3")):
            texts[f"{PREFIX}/lib/pkgconfig/{name}{suffix}.pc"] = text
    return texts


def _escaped(path: str) -> str:
    """Escape a path for pkg-config."""
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", path)


class PkgConfig:
    """pkg-config: by variables for builds that call the program, by a launcher for those that can name it."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return the launcher, and a `pythonX.Y-config` like that of the host Python."""
        name = f"{record.toolchain.triplet}-pkg-config"
        # A user's own settings win, and the user's PKG_CONFIG_PATH is added.
        settings = "".join(
            f'[ -n "${variable}" ] || {variable}={shlex.quote(value)}\nexport {variable}\n'
            for variable, value in self.environment(record).items()
        )
        own = shlex.quote(f"{record.root}/{PLAIN_DIRECTORY}")
        python = shlex.quote(f"{record.root}/{PREFIX}/lib/pkgconfig")
        launcher = _LAUNCHER.format(settings=f"program=\n{settings}", own=own, python=python)
        python_config = (
            f'#!/bin/sh\nexec {shlex.quote(record.root + "/cross/bin/python")} -I -m _crossenv.python_config "$@"\n'
        )
        version = f"{record.host.version}{record.host.abi_flags}"
        # All names that a build on the target could use, Debian's with the triplet among them.
        names = [f"python{version}", f"python{record.host.version}", "python3", "python"]
        names += [f"{record.toolchain.triplet}-{name}" for name in names]
        places = [f"{place}/{name}-config" for place in ("etc/bin", f"{PREFIX}/bin") for name in names]
        return {
            f"etc/bin/{name}": launcher,
            f"{PLAIN_DIRECTORY}/pkg-config": launcher,
            **dict.fromkeys(places, python_config),
            **_python_files(record),
        }

    def environment(self, record: Record) -> Mapping[str, str]:
        """Return the directories of the target's `.pc` files, and the root of their paths."""
        # Never empty, or pkg-config would search the build machine's directories.
        directories = record.toolchain.pkg_config_libdir or (f"{record.root}/{EMPTY_DIRECTORY}",)
        variables = {"PKG_CONFIG_LIBDIR": ":".join(directories)}
        sysroot = record.sysroot
        if sysroot is not None:
            variables["PKG_CONFIG_SYSROOT_DIR"] = sysroot
        return variables

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """None: it is not a back end."""
        return {}

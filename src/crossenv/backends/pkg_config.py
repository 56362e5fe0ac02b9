"""pkg-config, answering for the host's sysroot only."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.record import BackendRecord, Record

EMPTY_DIRECTORY = "etc/pkgconfig"
# Holds `pkg-config` alone: hook processes put it on their PATH where there is a pkg-config to call.
PLAIN_DIRECTORY = "etc/pkg-config/bin"

# $PATH is searched for the first pkg-config that is not this one. What build requirements bring along comes first: its
# paths are of this machine, and no sysroot may be put before them.
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
if [ -n "$CROSSENV_PKG_CONFIG_PATH" ]; then
  if said=$(PKG_CONFIG_LIBDIR=$CROSSENV_PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR= "$program" "$@" 2>/dev/null); then
    [ -z "$said" ] || printf '%s\\n' "$said"
    exit 0
  fi
fi
exec "$program" "$@"
"""


def launcher_path(record: Record) -> str:
    """The program that answers for the host."""
    return f"{record.root}/etc/bin/{record.toolchain.triplet}-pkg-config"


class PkgConfig:
    """pkg-config: by variables for builds that call the program, by a launcher for those that can name it."""

    def files(self, record: Record) -> Mapping[str, str]:
        """The launcher, and the program the host's own Python came with: `pythonX.Y-config`."""
        name = f"{record.toolchain.triplet}-pkg-config"
        # A user's own settings win, and PKG_CONFIG_PATH is an addition of theirs.
        settings = "".join(
            f'[ -n "${variable}" ] || {variable}={shlex.quote(value)}\nexport {variable}\n'
            for variable, value in self.environment(record).items()
        )
        own = shlex.quote(f"{record.root}/{PLAIN_DIRECTORY}")
        launcher = _LAUNCHER.format(settings=f"program=\n{settings}", own=own)
        python_config = (
            f'#!/bin/sh\nexec {shlex.quote(record.root + "/cross/bin/python")} -I -m _crossenv.python_config "$@"\n'
        )
        return {
            f"etc/bin/{name}": launcher,
            f"{PLAIN_DIRECTORY}/pkg-config": launcher,
            f"etc/bin/python{record.host.version}{record.host.abi_flags}-config": python_config,
        }

    def environment(self, record: Record) -> Mapping[str, str]:
        """Where the host's `.pc` files are, and what their paths are relative to."""
        # Never empty: pkg-config would fall back to the build machine's directories.
        directories = record.toolchain.pkg_config_libdir or (f"{record.root}/{EMPTY_DIRECTORY}",)
        variables = {"PKG_CONFIG_LIBDIR": ":".join(directories)}
        sysroot = record.toolchain.sysroot or record.host.sysroot
        if sysroot is not None:
            variables["PKG_CONFIG_SYSROOT_DIR"] = sysroot
        return variables

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """None: it is not a back end."""
        return {}

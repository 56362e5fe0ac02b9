"""What pip's commands do differently in the host side."""

import json
import os
import sys

from _crossenv.refusal import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


# Whether the command names a platform of its own (`download --platform`): its wheels are not for this environment.
for_another_target = False
# The projects that `pip wheel` builds because they are named.
_built_by_name: "set[str]" = set()


def naming_wheels(original: "Any") -> "Any":
    """Wrap `WheelCommand.run`: a project without a source distribution may have wheels."""

    def run(self: "Any", options: "Any", args: "list[str]") -> int:
        import logging

        retries: list[logging.LogRecord] = []
        handler = logging.Handler()
        handler.emit = retries.append  # type: ignore[method-assign, assignment]
        logger = logging.getLogger("pip._vendor.urllib3.connectionpool")
        logger.addHandler(handler)
        try:
            return int(original(self, options, args))
        except Exception as error:
            if type(error).__name__ == "DistributionNotFound" and any("Retrying" in str(it.msg) for it in retries):
                sys.stderr.write(
                    "crossenv: hint: an index could not be reached, as the warnings say; name another with --index-url,"
                    " or a directory with --find-links\n"
                )
            elif type(error).__name__ == "DistributionNotFound":
                text = str(error).lower().replace("_", "-").replace(".", "-")
                for name in sorted(_built_by_name):
                    if f" {name} " in f"{text} ":
                        sys.stderr.write(
                            f"crossenv: hint: what is named is built from source; --only-binary {name} takes a wheel of"
                            " it for the target, if there is one\n"
                        )
            raise
        finally:
            logger.removeHandler(handler)

    return run


def hinting(original: "Any") -> "Any":
    """Wrap the making of pip's error about a failed child: it tells what helps, where the child's output does not."""

    def make(*args: "Any", **words: "Any") -> "Any":
        from _crossenv.mends import mend_of

        error = original(*args, **words)
        mend = mend_of("".join(words.get("output_lines") or ()))
        if mend:
            error.hint_stmt = mend
        return error

    return make


def building_by_name(original: "Any") -> "Any":
    """Wrap `WheelCommand.get_requirements`: what the user names, also in a file, is built from source."""

    def get_requirements(self: "Any", args: "list[str]", options: "Any", finder: "Any", session: "Any") -> "Any":
        requirements = original(self, args, options, finder, session)
        # After requirements files were read: these may hold such options too.
        control = finder.format_control
        if not (control.no_binary or control.only_binary or finder.prefer_binary):
            from pip._vendor.packaging.utils import canonicalize_name

            for requirement in requirements:
                # A path or an address without a name is built anyway; constraints name nothing.
                if requirement.name and not requirement.constraint:
                    _built_by_name.add(canonicalize_name(requirement.name))
            control.no_binary.update(_built_by_name)
        return requirements

    return get_requirements


def refusing_unsafe_features(original: "Any") -> "Any":
    """Wrap a command's `run`: refuse the opt-in that would install the host's wheels as build requirements."""

    def run(self: "Any", options: "Any", args: "list[str]") -> int:
        if "inprocess-build-deps" in (getattr(options, "features_enabled", None) or ()):
            sys.stderr.write(
                "crossenv: error: pip's feature inprocess-build-deps installs the target's wheels as build requirements"
                ", which cannot run here\n"
                "crossenv: hint: leave out --use-feature=inprocess-build-deps (or unset PIP_USE_FEATURE)\n"
            )
            return 2
        global for_another_target  # noqa: PLW0603 - pip runs one command in a process
        for_another_target = bool(getattr(options, "platforms", None))
        try:
            return int(original(self, options, args))
        except SystemExit as error:
            # A refusal, which has been said; pip would print where it came from.
            return error.code if isinstance(error.code, int) else 1

    return run


def refuse_python(found: str) -> "NoReturn":
    """End, because pip was told to go on in the interpreter `found`, which is not this environment's."""
    source, mend = _source_of_python()
    fail(f"{source} has pip work with {found}, which is not this environment's Python", mend, 2)


def _source_of_python() -> "tuple[str, str]":
    """Return the origin of pip's `python` setting, and how to remove it."""
    if any(word.partition("=")[0] == "--python" for word in sys.argv[1:]):
        return "--python", "leave it out, or run that Python with -m pip"
    if os.environ.get("PIP_PYTHON"):
        return "PIP_PYTHON", "unset it"
    from pip._internal.configuration import Configuration

    configuration = Configuration(isolated=False)
    files = [path for _kind, paths in configuration.iter_config_files() for path in paths]
    for path in filter(os.path.isfile, files):
        with open(path, encoding="utf-8", errors="replace") as file:
            if any(line.partition("=")[0].strip() == "python" for line in file):
                return f"`python` in {path}", "take it out, or set PIP_CONFIG_FILE=/dev/null"
    return "pip's configuration", "see `pip config debug`"


def telling_time(original: "Any") -> "Any":
    """Wrap `InteractiveSpinner._write`: a running spinner is followed by the elapsed time, "3:05"."""
    import time

    def write(self: "Any", status: str) -> None:
        if len(status) == 1:
            began = self.__dict__.setdefault("_crossenv_began", time.monotonic())
            seconds = int(time.monotonic() - began)
            status = f"{status} {seconds // 60}:{seconds % 60:02}"
        original(self, status)

    return write


def announcing_index(original: "Any") -> "Any":
    """Wrap a command's `run`: the index of its command line is known to the hooks, which fetch from it too."""

    def run(self: "Any", options: "Any", args: "list[str]") -> int:
        words = []
        for word, name in _INDEX_OPTIONS.items():
            value = getattr(options, name, None)
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if item is True:
                    words.append(word)
                elif item:
                    # The hooks run elsewhere.
                    text = os.path.abspath(item) if name == "find_links" and os.path.exists(item) else item
                    words.append(f"{word}={text}")
        os.environ["CROSSENV_PIP_OPTIONS"] = json.dumps(words)
        return int(original(self, options, args))

    return run


# Options and their names in pip's parsed options.
_INDEX_OPTIONS = {
    "--index-url": "index_url",
    "--extra-index-url": "extra_index_urls",
    "--find-links": "find_links",
    "--no-index": "no_index",
    "--pre": "pre",
    "--trusted-host": "trusted_hosts",
    "--proxy": "proxy",
    "--cert": "cert",
    "--client-cert": "client_cert",
    "--timeout": "timeout",
    "--retries": "retries",
}

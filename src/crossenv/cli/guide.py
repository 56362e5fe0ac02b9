"""Texts for people who look around: the guide that `crossenv` alone prints, groups of commands, examples."""

from __future__ import annotations

# All commands, by what people do. `crossenv --help` shows them like this.
GROUPS = {
    "set up": ("init", "create", "sysroot", "python", "dump", "completion"),
    "build": ("wheel", "plan", "store", "export"),
    "check": ("audit", "repair", "merge", "seal"),
    "run": ("run", "test"),
    "look": ("show", "doctor", "targets"),
}

EXAMPLES = {
    "init": (
        "crossenv init",
        "crossenv init --ci github --builder cibuildwheel",
        "crossenv init --target aarch64 --dry-run",
    ),
    "create": (
        "crossenv create --target aarch64 env",
        "crossenv create --target musllinux_1_2_armv7l --python 3.13 env",
        "crossenv create --host-python device-root/usr/bin/python3 env",
        "crossenv create --host-python known:debian-bookworm-arm64 env",
    ),
    "sysroot": (
        "crossenv sysroot create --from debian:bookworm --arch arm64 root",
        "crossenv sysroot add root libffi-dev",
    ),
    "sysroot create": ("crossenv sysroot create --from debian:bookworm --arch arm64 --package libffi-dev root",),
    "sysroot add": ("crossenv sysroot add root libffi-dev libssl-dev",),
    "python": ("crossenv python build --from Python-3.13.5.tar.xz --target musllinux_1_2_aarch64",),
    "python build": (
        "crossenv python build --from Python-3.13.5.tar.xz --target musllinux_1_2_aarch64",
        "crossenv python build --from Python-3.13.5 --target riscv64 --jobs 4 root",
    ),
    "dump": (
        "crossenv dump -o device.json",
        "crossenv dump --python 3.13 --with-headers device-headers.tar.gz -o device.json",
    ),
    "completion": (
        "crossenv completion bash > ~/.local/share/bash-completion/completions/crossenv",
        "crossenv completion fish > ~/.config/fish/completions/crossenv.fish",
    ),
    "wheel": (
        "crossenv wheel . --target aarch64 --target musllinux_1_2_x86_64 --python 3.12 --python 3.13",
        "crossenv wheel lz4 --target riscv64 --test",
    ),
    "plan": ("crossenv plan . --target aarch64 --target s390x",),
    "store": ("crossenv store list wheelhouse/.crossenv-store",),
    "store list": ("crossenv store list wheelhouse/.crossenv-store", "crossenv store list s3://team/wheels"),
    "store verify": ("crossenv store verify wheelhouse/.crossenv-store",),
    "store gc": ("crossenv store gc wheelhouse/.crossenv-store --older-than 90",),
    "store merge": ("crossenv store merge all part-1 part-2",),
    "store index": ("crossenv store index wheelhouse/.crossenv-store public",),
    "export": ("crossenv export cmake -o toolchain.cmake", "crossenv export meson --env env"),
    "audit": ("crossenv audit *.whl", "crossenv audit --env env --strict dist/*.whl"),
    "repair": ("crossenv repair --env env --dest wheelhouse dist/*.whl",),
    "merge": ("crossenv merge dist/*_arm64.whl dist/*_x86_64.whl",),
    "run": ("crossenv run --env env -- python -c 'import os; print(os.uname().machine)'",),
    "test": ("crossenv test --env env *.whl", "crossenv test --env env *.whl -- pytest -q tests"),
    "show": ("crossenv show env", "crossenv show --host-python device-root/usr/bin/python3"),
    "doctor": ("crossenv doctor env",),
    "targets": ("crossenv targets", "crossenv targets --known"),
}

GUIDE = """\
crossenv builds Python wheels for another machine on this one.

Build one wheel for arm64:
  crossenv create --target aarch64 env
  env/bin/cross-pip wheel markupsafe

Build your project for several machines and Pythons:
  crossenv wheel . --target aarch64 --target musllinux_1_2_x86_64 --python 3.12 --python 3.13

Check a wheel, then try it under an emulator:
  crossenv audit --env env *.whl
  crossenv test --env env *.whl

Set up a project and its CI:
  crossenv init --ci github

What can be built here: crossenv targets
All commands: crossenv --help. One of them: crossenv create --help"""

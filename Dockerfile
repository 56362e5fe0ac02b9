# crossenv with zig, uv, Pythons and emulators: for CI without set-up.
#   docker build -t crossenv .
#   docker run --rm -v "$PWD:/project" crossenv wheel . --target aarch64
FROM python:3.13-slim-bookworm AS build
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim-bookworm
# gpgv verifies Debian's packages, from which the interpreters of targets come.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git gpgv debian-archive-keyring qemu-user-static \
    && rm -rf /var/lib/apt/lists/*
ENV UV_PYTHON_INSTALL_DIR=/opt/pythons
# hadolint ignore=DL3013
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --find-links /wheels 'crossenv2[zig,fetch]' \
    && uv python install --no-cache 3.10 3.11 3.12 3.14 \
    && chmod -R a+rX /opt
WORKDIR /project
ENTRYPOINT ["crossenv"]
CMD []

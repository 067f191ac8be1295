# The two commands: `make demo` and `make test`. `make help` lists the rest.
SHELL := bash
.DEFAULT_GOAL := help
IMAGE ?=
export IMAGE
UV := uv
RUN := $(UV) run --frozen
PACKAGES := core/ragwright_core operator/ragwright_operator ingest/ragwright_ingest api/ragwright_api cli/ragwright_cli
# Programs of others have environments of their own; one runs in a pod, beside the module it imports.
PEERS := 'bench/eval/peers/|bench/retrieval/peer\.py|dev/demo/asker\.py'
DAEMON := $(shell command -v docker || command -v podman)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install uv where it is missing, and the locked packages
	@command -v $(UV) >/dev/null || python3 -m pip install --quiet uv \
		|| python3 -m pip install --quiet --break-system-packages uv
	@$(UV) sync --frozen --quiet

.PHONY: demo
demo: setup ## From an empty machine to answers, and a reindex under load
	@$(RUN) python -m dev.demo run

.PHONY: demo-down
demo-down: setup ## Remove what the demo made
	@$(RUN) python -m dev.demo down

.PHONY: test
test: check chart test-fast test-cluster ## Everything: lint, types, imports, chart, unit, integration, cluster

.PHONY: check
check: lint types imports dependencies generated docs ## Lint, types, import rules, dependencies, generated files, docs

.PHONY: lint
lint: setup ## ruff
	$(RUN) ruff check .
	$(RUN) ruff format --check .

.PHONY: types
types: setup ## mypy, strict
	$(RUN) mypy $(PACKAGES) dev bench
	$(RUN) mypy tests

.PHONY: imports
imports: setup ## Who may import whom
	$(RUN) lint-imports

.PHONY: dependencies
dependencies: setup ## What is imported is declared, and what is declared is imported
	$(RUN) deptry $(dir $(PACKAGES))
	$(RUN) deptry dev bench tests --ignore DEP002,DEP004 --exclude $(PEERS)

.PHONY: generate
generate: setup ## Write the CRD and its reference page from the models
	$(RUN) python -m dev.generate

.PHONY: generated
generated: setup
	$(RUN) python -m dev.generate --check

.PHONY: helm-unittest
helm-unittest: setup ## Tests of the chart's templates, without a cluster
	$(RUN) python -m dev.charts test

.PHONY: chart
chart: helm-unittest ## Those, and whether the chart's page fits its values
	$(RUN) python -m dev.charts check

.PHONY: chart-docs
chart-docs: setup ## Write the chart's page from its values
	@$(RUN) python -m dev.charts docs

.PHONY: docs
docs: setup ## The site of docs/, strictly, into build/site
	$(UV) run --frozen --isolated --only-group docs zensical build --clean --strict

.PHONY: test-fast
test-fast: setup ## Unit and integration tests, no cluster, without `faults`: under two minutes
	$(RUN) pytest -n 4 --dist worksteal -m "not row" tests/unit tests/integration

.PHONY: fuzz
fuzz: setup ## Generated requests against a real API for MINUTES=1, from SEED=12
	@$(RUN) python -m dev.fuzz --minutes $(or $(MINUTES),1) --seed $(or $(SEED),12)

.PHONY: unit
unit: setup ## Unit tests: no I/O, seconds
	$(RUN) pytest tests/unit

.PHONY: integration
integration: setup ## Integration tests: real Postgres and Redis, from wheels
	$(RUN) pytest tests/integration

.PHONY: test-cluster
test-cluster: setup ## Tests on a real Kubernetes
	$(RUN) pytest tests/cluster

.PHONY: faults
faults: setup ## Break every part in turn; FULL=1 for the full lengths
	$(RUN) pytest -n 2 --dist loadscope tests -m row --figures $(if $(FULL),--full)

.PHONY: faults-stores
faults-stores: setup ## The rows of `faults` on real Postgres and Redis: no cluster, two minutes
	$(RUN) pytest -n 2 -m row tests/integration

.PHONY: chaos
chaos: setup ## Break parts at random for MINUTES=60, as SEED=1 says
	$(RUN) python -m tests.faults.chaos --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

.PHONY: cluster-up
cluster-up: setup ## Start the chosen cluster
	@$(RUN) python -m dev.cluster up

.PHONY: cluster-down
cluster-down: setup ## Stop it
	@$(RUN) python -m dev.cluster down

.PHONY: image
image: ## Build the image with docker or podman (IMAGE=registry/name:tag)
	@test -n "$(IMAGE)" || { echo "name the image: make image push IMAGE=registry/name:tag"; exit 2; }
	@test -n "$(DAEMON)" || { echo "no docker or podman here; without them: make cluster-up"; exit 2; }
	$(DAEMON) build --tag $(IMAGE) .

.PHONY: push
push: ## Push it
	$(DAEMON) push $(IMAGE)

.PHONY: release
release: setup ## Push, list, sum up and sign; without REGISTRY=host/path KEY=file a rehearsal
	@$(RUN) python -m dev.release --image linux/amd64=$(or $(IMAGE),localhost/ragwright:dev) \
		$(if $(ARM64_IMAGE),--image linux/arm64=$(ARM64_IMAGE)) \
		$(if $(REGISTRY),--registry $(REGISTRY)) $(if $(KEY),--key $(KEY))

.PHONY: bench-swap
bench-swap: setup ## 100 swaps under readers, beside the textbook swap
	$(RUN) python -m bench.swap

.PHONY: bench-savings
bench-savings: setup ## A day of questions in four minutes, three times: what the caches save
	$(RUN) python -m bench.savings

.PHONY: bench-cut
bench-cut: setup ## Cutting 1 and 10 MB without a line break: linear, and within seconds
	$(RUN) python -m bench.cut

.PHONY: bench-serve
bench-serve: setup ## Cached answers beside plain FastAPI + Redis, and many questions at once
	$(RUN) python -m bench.serve

.PHONY: soak
soak: setup ## 100,000 questions over swaps, restarts of Redis and killed replicas
	$(RUN) python -m bench.soak

.PHONY: try
try: setup ## Ask a folder of documents, without a cluster: make try DOCS=./notes
	@test -n "$(DOCS)" || { echo "name a folder of documents: make try DOCS=./notes"; exit 2; }
	@$(RUN) python -m dev.tryout "$(DOCS)"

.PHONY: bench-retrieval
bench-retrieval: setup ## Search beside bare SQL, LangChain, LlamaIndex and Haystack
	$(RUN) python -m bench.retrieval

.PHONY: eval
eval: setup ## Retrieval quality beside the peers' (CORPUS=dir QUESTIONS=file)
	@test -n "$(CORPUS)" -a -n "$(QUESTIONS)" \
		|| { echo "name a set: make eval CORPUS=dir QUESTIONS=file (docs/explanation/retrieval.md)"; exit 2; }
	$(RUN) python -m bench.eval "$(CORPUS)" "$(QUESTIONS)"

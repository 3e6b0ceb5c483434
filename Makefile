# SPDX-License-Identifier: Apache-2.0
# Everything is run from here; `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
STACK ?= local
PULUMI := tools/bin/pulumi
BOOTSTRAP := $(PYTHON) tools/bootstrap.py
FLAGS ?=
# One more than processors: a test often waits for a process, a broker or the engine.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# A process that died is not replaced: xdist can wait for ever for what it had left to do.
# Compiled tests are kept beside them, in ignored folders, whatever the environment says: that halves the start.
PYTEST := env -u PYTHONDONTWRITEBYTECODE .venv/bin/pytest

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: tools venv
venv: ## the virtual environment .venv, from requirements.txt
	@$(BOOTSTRAP) venv

tools: ## everything that `make up` needs, into ignored folders
	@$(BOOTSTRAP) venv pulumi $(if $(filter local,$(STACK)),kafka)

.PHONY: up preview refresh down
up: tools ## stand the stack up (STACK=local)
	@$(PULUMI) up --stack $(STACK) $(if $(filter local,$(STACK)),--yes --suppress-outputs) $(FLAGS)
	@$(if $(filter local,$(STACK)),tools/try_it)

preview: tools ## show what `make up` would change (STACK=local; STUBS=1: without an account)
	@$(if $(STUBS),tools/stub_preview $(STACK),$(PULUMI) preview --diff --stack $(STACK)) $(FLAGS) \
	|| { code=$$?; [ $$code -ne 3 ] || echo "not logged in: see docs/operations.md, or add STUBS=1 to look without an account" >&2; exit $$code; }

refresh: tools ## take the world's state over into the stack (STACK=local)
	@$(PULUMI) refresh --stack $(STACK) $(if $(filter local,$(STACK)),--yes) $(FLAGS)

down: tools ## take the stack down (STACK=local)
	@$(if $(filter local,$(STACK)),tools/down,tools/teardown $(STACK) && $(PULUMI) destroy --stack $(STACK) $(FLAGS))

.PHONY: observe
observe: ## a Prometheus beside the stack `local`, with the alerts, and files for Grafana (PORT=9090); `make down` ends it
	@.venv/bin/python -m tools.observe $(if $(PORT),--port $(PORT)) $(FLAGS)

.PHONY: status
status: ## every process, port, topic, release and data plane of the stack `local`
	@.venv/bin/kafka-gateway status $(FLAGS)

.PHONY: test test-fast test-kubernetes fuzz properties check format lock docs native bench
test: ## all tests, with a real Kafka, real processes and the real Pulumi engine (AGAIN=1: up to three that fail once more, alone)
	@$(BOOTSTRAP) venv
	@tools/native & $(BOOTSTRAP) pulumi kafka policies && wait $$!
	@$(PYTEST) -n $(WORKERS) --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(FLAGS) \
	|| { [ $$? -eq 1 ] && [ -n "$(AGAIN)" ] && tools/tests_again; }

test-fast: venv ## the unit tests only, without Kafka and the engine
	@$(PYTEST) tests/unit -n auto --dist loadfile -m "not kafka and not engine and not e2e" $(FLAGS)

fuzz: venv ## a million HTTP streams against a strict reader (STREAMS=1000000, SEED=random)
	@.venv/bin/python -m tests.support.fuzz --streams $(or $(STREAMS),1000000) $(if $(SEED),--seed $(SEED))

properties: venv ## all properties on examples that `make test` does not have, others each time
	@$(PYTEST) tests/unit -n auto -m "hypothesis and not kafka and not engine and not e2e" --hypothesis-profile random $(FLAGS)

test-kubernetes: tools ## the story on a real Kubernetes, in namespaces of its own (root; 10 minutes the first time)
	@.venv/bin/python -m tools.kubernetes get
	@KUBERNETES_LOAD=$(REQUESTS) KUBERNETES_RECORD=$(RECORD) .venv/bin/pytest tests/kubernetes --capture=no $(FLAGS)

check: venv ## linter, formatting, types, locks and reference in step
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@tools/lock --check
	@.venv/bin/python -m tools.reference --check

format: venv ## rewrite the code in the house format
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: venv ## write requirements.txt and gateway/requirements.txt from pyproject.toml
	@tools/lock

docs: venv ## write docs/reference from the code
	@.venv/bin/python -m tools.reference

native: venv ## the native twins of the request path, where cargo is on PATH; and all of it compiled, where gcc is
	@tools/native
	@.venv/bin/python -m tools.compile_request_path

bench: tools native ## measure against the floor and others (QUICK=1: three minutes; INSTRUCTIONS=1: count instructions)
	@.venv/bin/python -m $(if $(INSTRUCTIONS),bench.instructions,bench $(if $(QUICK),--quick))

.PHONY: sdks
sdks: venv ## SDKs of the provider for programs in Python, TypeScript and Go, into sdks/
	@$(BOOTSTRAP) pulumi sdk
	@tools/sdks

.PHONY: yaml
yaml: venv ## the language host of programs in YAML, such as examples/yaml
	@$(BOOTSTRAP) pulumi yaml

.PHONY: clean
clean: ## remove what the tools installed (not the stack's state)
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache

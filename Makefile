# Everything a person or CI runs. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
COUNTS ?= --full-counts
SHELL := /bin/bash
# `make test` is what one waits for: the tests of the rooms side by side, then those that burn the CPU and watch it, which
# want the machine for themselves. `make test-incidents` is the rest, in the same two parts.
ROOMS := tests/bot tests/handlers tests/memory tests/remediation tests/soak $(wildcard tests/test_*.py)
ROOMS_ALONE := tests/detectors tests/scenarios/test_runaway.py
INCIDENTS := tests/workspace tests/real \
	$(addprefix tests/scenarios/test_,alert_load.py alert_to_action.py alertmanager.py enclosure.py full_disk.py gate.py gate_units.py other_hosts.py prometheus.py services.py) \
	$(addprefix tests/promises/test_,decisions_at_random.py decisions_raced.py every_transition.py forged_requests.py killed_anywhere.py \
	model_opinions.py model_prompts.py opinions_change_nothing.py rules_at_random.py runbooks_hostile.py \
	tampering.py purged_chain.py restored_copies.py unrecorded_end.py protected_targets.py ends_observed.py blast_radius.py)
SIDE_BY_SIDE := $(ROOMS) $(INCIDENTS)
TESTS := $(BIN)/python -m pytest -m "not install"
# A part without tests (5) fails nothing, unless the other has none either.
NOTED := || { [ $$? = 5 ] && : $$((none += 1)); } || failed=1
PROMISES := $(BIN)/python -m pytest -c pyproject.toml --no-cov -p no:randomly -p tests.promises.tally -v -m promise
.DEFAULT_GOAL := help

.venv/run.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Countersign needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=python3.12, for example."; exit 1; }
	@# Without the package python3-venv the first attempt leaves a .venv that has no pip.
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Installing Countersign into .venv (hash-pinned, a minute or so the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/run.stamp
	@echo "Installing the development tools into .venv"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

.PHONY: help install demo workspace test test-incidents coverage check bench bench-faults bench-search bench-detect promises soak install-test pictures lock
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: .venv/run.stamp ## create .venv and install Countersign from the lock

demo: install ## the whole story on this machine, no account needed (ARGS="--port 8765 --no-browser")
	$(BIN)/countersign demo $(ARGS)

workspace: install ## a small Slack on this machine, for a configuration of your own (ARGS="--port 8765")
	@$(BIN)/python -m handlers.workspace $(ARGS)

test: .venv/dev.stamp ## tests of every room and a first whole incident (a quarter of an hour); both parts run, also where the first fails
	tests/services.sh
	@trap 'exit 130' INT; failed=0; none=0; set -x; \
	$(TESTS) -n 2 $(ROOMS) $(ARGS) $(NOTED); \
	$(TESTS) $(ROOMS_ALONE) $(ARGS) $(NOTED); \
	exit $$((failed || none == 2))

test-incidents: .venv/dev.stamp ## the other tests: whole incidents, promises, real servers, a browser (half an hour)
	tests/services.sh
	@trap 'exit 130' INT; failed=0; none=0; set -x; \
	$(TESTS) -n 2 $(INCIDENTS) $(ARGS) $(NOTED); \
	$(TESTS) $(addprefix --ignore=,$(SIDE_BY_SIDE) $(ROOMS_ALONE)) $(ARGS) $(NOTED); \
	exit $$((failed || none == 2))

coverage: .venv/dev.stamp ## the lines that no test reaches of those that run side by side (half an hour)
	tests/services.sh
	$(TESTS) --cov -n 2 $(SIDE_BY_SIDE) $(ARGS)

check: .venv/dev.stamp ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp ## figures beside a floor or a peer of the same run
	$(BIN)/python -m tests.bench $(ARGS)

bench-faults: .venv/dev.stamp ## inject faults for real, beside harmless work (minutes; root sees more; leave the machine alone)
	$(BIN)/python -m tests.bench.faults $(ARGS)

bench-search: .venv/dev.stamp ## how often search finds the answer (FILE=questions.json)
	@$(BIN)/python -m tests.bench.search "$(FILE)"

bench-detect: .venv/dev.stamp ## what the surprise layer finds in labelled series (DIR=folder of .npz)
	@$(BIN)/python -m tests.bench.detect "$(DIR)"

promises: .venv/dev.stamp ## try to break each promise of SECURITY.md, and tell of each (COUNTS= for a sample, ARGS="--json FILE")
	tests/services.sh
	@rows=$$(mktemp); trap 'rm $$rows' EXIT; trap 'exit 130' INT; failed=0; none=0; set -x; \
	$(PROMISES) -n 2 --rows-to $$rows $(SIDE_BY_SIDE) $(COUNTS) $(ARGS) $(NOTED); \
	$(PROMISES) --rows-from $$rows $(SIDE_BY_SIDE:%=--ignore=%) $(COUNTS) $(ARGS) $(NOTED); \
	exit $$((failed || none == 2))

soak: .venv/dev.stamp ## half an hour of bad weather and kill -9, then a table of what held (ARGS="--minutes 5 --seed 7", --help)
	@$(BIN)/python -m tests.soak $(ARGS)

install-test: .venv/dev.stamp ## follow the install guide on an empty Debian, and build the image (root, network, minutes)
	tests/services.sh
	$(BIN)/python -m pytest --no-cov -m install $(ARGS)

pictures: .venv/dev.stamp ## take README's pictures anew, in a browser (best as root, on a quiet machine)
	COUNTERSIGN_PICTURES=deploy/pictures $(BIN)/python -m pytest --no-cov tests/scenarios/test_pictures.py

lock: ## compile the lock files again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

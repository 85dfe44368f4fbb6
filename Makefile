# The two commands for a newcomer are `make demo` and `make test`; each does all the set-up it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
HOSTS ?= 4
LAB ?= demo
SCENARIO_MINUTES ?= 25
BIN := .venv/bin

.PHONY: help setup lab-image lab-up lab-down demo test test-unit test-sandbox test-transitions test-matrix test-mutants test-real dkms-builds molecule lint bench

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(BIN)/.complete ## Make .venv with everything; .venv/bin/dlconf is then the command

$(BIN)/.complete: pyproject.toml tools/setup.sh
	tools/setup.sh
	touch $@

lab-image: setup ## Install what the container lab needs, build its images and its vendor mirror (once)
	$(BIN)/python -m tests.lab setup
	$(BIN)/python -m tests.lab image

lab-up: lab-image ## Start a lab of HOSTS=4 machines; writes .lab/hosts.ini and .lab/ssh_config
	$(BIN)/python -m tests.lab up --name $(LAB) --state .lab --hosts $(HOSTS)

lab-down: ## End the lab and leave nothing of it
	$(BIN)/python -m tests.lab down --name $(LAB) --state .lab

demo: lab-up ## Set everything up, start the demo lab and apply dlconf to it
	$(BIN)/dlconf apply .lab/hosts.ini --yes
	@echo
	@echo 'The lab is still up. Next: $(BIN)/dlconf apply .lab/hosts.ini   (finds nothing to change)'
	@echo 'and at the end:            make lab-down'

lint: setup ## Run every linter and type checker
	$(BIN)/pre-commit run --all-files

test-unit: setup ## Run the tests that need no lab
	$(BIN)/pytest tests/unit

molecule: lab-image ## Run every role's Molecule scenario, several at a time
	$(BIN)/pytest tests/molecule

test-real: lab-image ## Install Debian's real NVIDIA driver and let DKMS build its module (10 minutes)
	PATH=$(abspath $(BIN)):$$PATH molecule test -s real_driver

test-sandbox: setup ## Ask real apt for every system, card, source and state, in seconds each (an hour)
	$(BIN)/python -m tests.lab setup
	$(BIN)/pytest tests/sandbox --ignore=tests/sandbox/test_transitions.py

test-transitions: setup ## Bring hosts of the sandbox from each stack to others and back (an hour)
	$(BIN)/python -m tests.lab setup
	$(BIN)/pytest tests/sandbox/test_transitions.py

dkms-builds: setup ## Let DKMS build Debian's NVIDIA modules for Debian's kernels (two hours; nothing but what is not recorded)
	$(BIN)/python -m tests.lab setup
	nice -n 19 $(BIN)/python -m tools.dkms_builds

test-mutants: lab-image ## Break each role on purpose and prove that its scenario notices
	$(BIN)/python -m tests.mutants

test-matrix: lab-image ## Break every resource of every role in the lab, in every way, and repair it
	$(BIN)/pytest tests/matrix

test: setup ## Run all checks and tests but the slow ones, those in the container lab too (half an hour)
	$(MAKE) --jobs=2 --output-sync lint lab-image # one waits for the network most of its time
	$(BIN)/pytest -m "not slow" --begin-scenarios-within $(SCENARIO_MINUTES)

bench: lab-image ## Measure dlconf beside its peers on a lab of 8, in one run (an hour and a quarter); python -m bench --help has less
	$(BIN)/python -m bench

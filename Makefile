# Everything a developer types. `make` alone prints this list.
# `make bench DATABASE=postgresql` measures the other database.
# The environment is .venv, made from requirements.lock and renewed whenever that file or pyproject.toml changes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
DATABASE ?= sqlite
VENV := .venv
BIN := $(VENV)/bin
# What runs, and what is needed beside it to work on Omniyard: `make run` installs only the first.
STAMP := $(VENV)/.made-from-lock
DEVELOPMENT := $(VENV)/.made-from-development-lock

COMPILE := var/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --python-version 3.11
DRAW := sed 's/fontname=helvetica/fontname="sans-serif" shape=box style=rounded/' | dot -Tsvg -o
# Three on two cores: a journey waits for servers and browsers much of its time.
TESTS = $(BIN)/python -m pytest -q -n 3 --dist worksteal
# Of up to five tests that failed, each is run once more, alone: one that passes then is named, and is to be mended.
FAILED := .pytest_cache/v/cache/lastfailed
AGAIN = [ $$? = 1 ] && [ $$(grep -c '::' $(FAILED)) -le 5 ] && \
	echo "Once more, alone. A test that passes now depends on what runs next to it, and is to be mended:" && \
	$(BIN)/python -m pytest -q -rap --last-failed --last-failed-no-failures none
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
# What pip says, as one line that counts: the first installation takes some minutes.
COUNTED = awk -v all="$$(grep -c '==' $(1))" '/^Collecting / { n++; printf "\r  %d of %d  %-48.48s", n, all, $$2; fflush() } \
	/^Installing / { printf "\r  %-60s", "unpacking " all " packages"; fflush() } END { printf "\r  %-60s\n", "done" }'

.PHONY: help setup run test journeys check bench chaos fleet dist image map lock machine-parts

help: ## Show what can be made.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEVELOPMENT) ## Make .venv from the lock files.

run: $(STAMP) ## Start the whole desk on this machine.
	@exec $(BIN)/omniyard up

# Compiled modules are kept, whatever the environment says: a start that compiles them takes half as long again, and the
# tests start hundreds of processes.
run test journeys check: export PYTHONDONTWRITEBYTECODE =

test: $(DEVELOPMENT) machine-parts ## Run all tests.
	@$(TESTS) || { $(AGAIN); }

journeys: $(DEVELOPMENT) machine-parts ## Take every page and journey through all sizes, languages and themes in a real browser.
	OMNIYARD_JOURNEYS=all $(BIN)/python -m pytest -q -n 2 --dist worksteal --timeout=1200 \
		tests/api/browser tests/api/chat/test_chat_browser.py tests/api/customer/test_browser.py

check: $(DEVELOPMENT) machine-parts ## Run every check: style, format, types, layers, tests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(TESTS) || { $(AGAIN); }

bench: $(DEVELOPMENT) ## Measure mails a second beside this machine's limit.
	$(BIN)/python -m benchmarks.intake --messages 2000 --database $(DATABASE)

chaos: $(DEVELOPMENT) ## Kill parts at random while mail arrives, and count what was lost.
	$(BIN)/python -m benchmarks.chaos --messages 2000 --kills 60 --database $(DATABASE)

fleet: $(DEVELOPMENT) ## Run a fleet in network namespaces and let its hosts and ways fail (needs root, iproute2, iptables).
	$(BIN)/python -m benchmarks.fleet

dist: $(DEVELOPMENT) ## Build the wheel into dist/.
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	cp requirements.lock dist/

image: $(DEVELOPMENT) ## Build the container image, run it, and print its sizes (needs root, buildah, debootstrap).
	$(BIN)/python -m benchmarks.image

map: $(DEVELOPMENT) ## Draw the rooms and their imports into docs/map/ (needs Graphviz: apt install graphviz).
	@command -v dot >/dev/null || { echo "Graphviz is missing; on Debian or Ubuntu: apt install graphviz" >&2; exit 1; }
	@mkdir -p docs/map
	@for room in router connectors store workers api cli; do $(BIN)/import-linter drawgraph $$room | $(DRAW) docs/map/$$room.svg; done
	@$(BIN)/import-linter drawgraph router connectors store workers api cli | $(DRAW) docs/map/house.svg

lock: ## Renew both lock files from pyproject.toml (no index is written into them).
	$(PYTHON) -m venv var/lock
	var/lock/bin/python -m pip install --quiet uv
	$(COMPILE) --extra build --extra encoder --extra languages --output-file requirements.lock pyproject.toml
	$(COMPILE) --all-extras --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

# Real servers that the tests talk to (an IMAP server, PostgreSQL's libraries); only root may install them.
machine-parts:
	@if [ "$$(id -u)" = 0 ] && [ -f tests/install-machine-parts.sh ]; then bash tests/install-machine-parts.sh; fi

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Omniyard needs Python 3.11 or newer; on Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV), once: two to four minutes, most of them to fetch packages."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements.lock | $(call COUNTED,requirements.lock)
	@$(INSTALL) --quiet --no-build-isolation --no-deps -e .
	@$(BIN)/python -m compileall -q router connectors store workers api cli
	@touch $(STAMP)

$(DEVELOPMENT): requirements-dev.lock $(STAMP)
	@echo "Adding what tests and checks need, once."
	@$(INSTALL) --require-hashes -r requirements-dev.lock | $(call COUNTED,requirements-dev.lock)
	@touch $(DEVELOPMENT)

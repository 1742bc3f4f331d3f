# The two commands: `make up COUNTRY=fr` runs the platform, `make test` proves it. Each target is a thin line.
COUNTRY ?= fr
PORT ?= 8080
HOST ?= 127.0.0.1
LIVE ?= 0
export COUNTRY PORT HOST LIVE

include nix/delivery.mk

.PHONY: help up test prove check bench extract install check-nix e2e e2e-pipeline workflows release-binaries secrets-init
.DEFAULT_GOAL := help
help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

up: ## run a whole country on this machine: COUNTRY=us|fr|ch PORT=8080 HOST=127.0.0.1 LIVE=0
	@exec e2e/up.sh

test: install ## everything that a push must pass, at most 60 minutes cold on 2 cores
	@exec python3 e2e/test.py all

prove: ## what is slower than make test allows; writes docs/evidence/ (as root, hours)
	@exec python3 e2e/prove.py

check: ## the fast part: format, lints, documents, manifests
	@exec python3 e2e/test.py check

bench: ## side-by-side benchmarks into bench/results/
	@exec bench/run.sh

extract: ## write data/ anew from recorded payloads (VIGIE_SHARED=../shared)
	@cargo run --release --quiet -p vigie -- extract

install: ## as root: install what the tests need
	@exec e2e/install.sh

check-nix: ## the flake, evaluated without nixpkgs
	@exec e2e/nix/check.sh fast

e2e: ## COUNTRY from an empty cluster to a page, by git alone (as root; builds what is missing)
	@exec python3 e2e/cluster/run.py

e2e-pipeline: ## a commit of a bare repository, through the steps of the workflow images, to pods of COUNTRY
	@exec python3 e2e/cluster/run.py pipeline

workflows: ## each step of the workflows, run here
	@exec python3 e2e/workflows/run.py

release-binaries: ## every program, the same bytes in whatever folder, into target/same/release
	@exec e2e/release.sh

secrets-init: ## an operator's own keys and secrets: COUNTRY=us|fr|ch
	@exec secrets/init.sh

# From a commit to running images: what the workflows call. Included by the Makefile.
.PHONY: images images-push images-sign images-commit check-flake audit progress
images: ## each image as an OCI layout with its digest into target/oci/, by Nix, built twice
	@exec python3 nix/publish.py build

images-push: ## the images of target/oci/ to VIGIE_REGISTRY, by digest
	@exec python3 nix/publish.py push

images-sign: ## a signature on each pushed digest
	@exec python3 nix/publish.py sign

images-commit: ## the pushed digests into clusters/*/images, as a commit
	@exec python3 nix/publish.py commit

check-flake: ## the flake with its real inputs: programs, checks, shells (needs Nix and its caches)
	@exec nix flake check --print-build-logs

audit: ## known vulnerabilities, licences, sources of crates; secrets in the history
	@exec e2e/workflows/audit.sh

progress: ## the progress report of the last days, in both languages, into target/reports/
	@exec e2e/workflows/progress.sh

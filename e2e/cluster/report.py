"""What a run did: steps with their seconds, what held and what did not. The last line is what `make test` reads."""

import contextlib
import json
import time


class Report:
    def __init__(self, folder, name, country):
        self.folder, self.name, self.country = folder, name, country
        self.folder.mkdir(parents=True, exist_ok=True)
        self.steps, self.passed, self.failures, self.upstream = {}, [], [], []

    @contextlib.contextmanager
    def step(self, name):
        """Something that must happen for the rest to make sense; a failure ends the run."""
        start = time.time()
        yield
        self.steps[name] = round(time.time() - start, 1)
        print(f"e2e: {name}: {self.steps[name]} s", flush=True)

    @contextlib.contextmanager
    def claim(self, sentence):
        """Something that is promised. A failure is counted, and ends the run: what follows builds on it."""
        start = time.time()
        yield
        self.passed.append(sentence)
        self.steps[sentence] = round(time.time() - start, 1)
        print(f"ok: {sentence} ({self.steps[sentence]} s)", flush=True)

    def failed(self, sentence, why):
        self.failures.append(f"{sentence}: {why}")
        print(f"FAILED: {sentence}: {why}", flush=True)

    def end(self, seconds):
        (self.folder / f"{self.name}.json").write_text(json.dumps({
            "country": self.country, "seconds": round(seconds, 1), "steps": self.steps, "passed": self.passed,
            "failed": self.failures, "upstream": self.upstream}, indent=1) + "\n")
        # Once more, below what the cluster had to say: who sees only the end of the log sees what it was about.
        for failure in self.failures:
            print(f"FAILED: {failure[:1000]}")
        print(f"e2e: {seconds:.0f} s")
        print(f"{len(self.passed)} passed, {len(self.failures)} failed", flush=True)

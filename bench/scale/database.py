"""A database of a benchmark, and how much memory its processes have."""
import subprocess, sys, threading, time


class Memory(threading.Thread):
    """The most that a process had of `what`: RssAnon, its private memory, or VmRSS, all that is resident."""

    def __init__(self, pid, what="RssAnon"):
        super().__init__(daemon=True)
        self.pid, self.what, self.most, self.done = pid, what, 0, False
        self.start()

    def run(self):
        while not self.done:
            try:
                for line in open(f"/proc/{self.pid}/status"):
                    if line.startswith(self.what):
                        self.most = max(self.most, int(line.split()[1]))
            except OSError:
                return
            time.sleep(0.05)

    def mib(self):
        self.done = True
        return round(self.most / 1024, 1)


class Database:
    def __init__(self, url):
        self.url = url

    def sql(self, text, stdin=None):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url, "-f", "-" if stdin is None else text],
                              input=text if stdin is None else None, stdin=stdin, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def timed(self, statement):
        """Seconds of one statement without the start of the client; the most private memory of backend and client in MiB."""
        client = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        client.stdin.write("select pg_backend_pid();\n")
        client.stdin.flush()
        memory = Memory(int(client.stdout.readline())), Memory(client.pid)
        start = time.monotonic()
        client.stdin.write(statement)
        client.stdin.close()
        client.stdout.read()
        if client.wait():
            sys.exit("psql failed; its message stands above")
        return time.monotonic() - start, *(m.mib() for m in memory)

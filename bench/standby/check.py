#!/usr/bin/env python3
"""As-of reads on a streaming standby: a second PostgreSQL that follows the first, and data-api that reads from it.

    target/release/vigie with-database --name standby --durable -- python3 bench/standby/check.py

What `clusters/components/scale-out` asks of CloudNativePG, with the same PostgreSQL and no cluster: the standby begins
empty, all figures are loaded on the primary, and then both answer the same questions alike. Says how long the standby
took to follow. Result: bench/results/standby-<date>.json.
"""
import datetime, json, os, pathlib, random, shutil, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("VIGIE_BIN") or ROOT / "target/release")
PROFILE = ROOT / "clusters/us/profile/profile.toml"
PORTS = {"primary": 8346, "standby": 8348}
STANDBY = 8350
NOBODY = 65534
# One session from start to end: the label belongs to the copy.
COPY = """select pg_backup_start('standby', true);
\\! cp -a '{data}/.' '{copy}' && rm '{copy}/postmaster.pid'
\\o '{copy}/backup_label'
select labelfile from pg_backup_stop(false);
"""


def psql(url, text):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


def wait(what, question):
    deadline = time.monotonic() + 120
    while True:
        try:
            if answer := question():
                return answer
        except (OSError, RuntimeError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"standby: {what}: {error}")
        time.sleep(0.05)


def follow(url, folder):
    """A standby of the server of `url`: its process and its address."""
    copy, data = folder / "standby", psql(url, "show data_directory")
    copy.mkdir(mode=0o700)
    psql(url, COPY.format(data=data, copy=copy))
    (copy / "standby.signal").touch()
    with open(copy / "postgresql.auto.conf", "a") as file:
        file.write(f"primary_conninfo = '{url}'\n")
    first = pathlib.Path(data, "postmaster.pid").read_text().split()[0]
    program = os.readlink(f"/proc/{first}/exe")  # the same PostgreSQL
    who = {}
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
        who = {"user": NOBODY, "group": NOBODY}
    log = open(folder / "standby.log", "w")
    settings = [f"port={STANDBY}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "hot_standby_feedback=on", "max_connections=300"]
    server = subprocess.Popen([program, "-D", copy, *(w for s in settings for w in ("-c", s))], stdout=log, stderr=log, cwd="/", **who)
    address, name = url.rsplit("@", 1)[0] + f"@127.0.0.1:{STANDBY}/", url.rsplit("/", 1)[1]
    wait("does not answer", lambda: psql(address + name, "select pg_is_in_recovery()") == "t")
    return server, address


def service(name, url, clock):
    env = {**os.environ, "DATABASE_URL": url, "VIGIE_PROFILE": str(PROFILE), "VIGIE_CLOCK": clock, "VIGIE_RATE_PER_MINUTE": "0",
           "VIGIE_ADDR": f"127.0.0.1:{PORTS[name]}", "VIGIE_ADMIN_ADDR": f"127.0.0.1:{PORTS[name] + 1}"}
    running = subprocess.Popen([BIN / "data-api"], env=env, stderr=subprocess.DEVNULL)
    wait(f"data-api on the {name}", lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name] + 1}/readyz", timeout=5).read())
    return running


def ask(name, question):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name]}/api/data/v1/observations?{question}&limit=10000", timeout=60) as answer:
        return json.load(answer)


def main():
    server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL is not set: run this by `vigie with-database`")
    url, running = server.rsplit("/", 1)[0] + "/vigie_standby", []
    psql(server, "drop database if exists vigie_standby with (force)")
    psql(server, "create database vigie_standby")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-standby-"))
    folder.chmod(0o755)
    try:
        standby, address = follow(server, folder)
        running.append(standby)
        env = {**os.environ, "DATABASE_URL": url, "VIGIE_PROFILE": str(PROFILE)}
        for step in ("migrate", "load"):
            subprocess.run([BIN / "vigie", step], check=True, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
        loaded = time.monotonic()
        reached = psql(url, "select pg_current_wal_insert_lsn()")
        copy = address + "vigie_standby"
        wait("does not follow", lambda: psql(copy, f"select pg_last_wal_replay_lsn() >= '{reached}'") == "t")
        seconds = time.monotonic() - loaded
        rows = [psql(u, "select count(*) from observation_row") for u in (url, copy)]
        series = psql(url, "select signal_id || '&place=' || place_id from series where left(place_id, 2) = 'US' order by 1").splitlines()
        days = psql(url, "select distinct (issued_at at time zone 'UTC')::date from observation_row order by 1").splitlines()
        running += [service("primary", url, f"{days[-1]}T23:59:59Z"), service("standby", copy, f"{days[-1]}T23:59:59Z")]
        dice, values = random.Random(7), 0
        for n in range(200):
            question = f"signal={dice.choice(series)}&as_of={dice.choice(days)}"
            ours, theirs = ask("primary", question), ask("standby", question)
            if ours != theirs:
                sys.exit(f"standby: {question}: the answers differ")
            values += len(ours["data"])
        try:
            psql(copy, "create table x ()")
            sys.exit("standby: it can be written to")
        except RuntimeError as error:
            refused = str(error).split("ERROR:")[-1].strip()
        day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        result = {"benchmark": "standby", "date": day, "commit": commit, "postgresql": psql(copy, "show server_version"),
                  "rows": {"primary": int(rows[0]), "standby": int(rows[1])}, "seconds_to_follow_after_the_load": round(seconds, 2),
                  "questions_alike": 200, "values_alike": values, "a_write_is_refused": refused}
        (ROOT / f"bench/results/standby-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result, indent=1))
    except BaseException:
        if (log := folder / "standby.log").exists():
            print(*log.read_text().splitlines()[-12:], sep="\n", file=sys.stderr)
        raise
    finally:
        for process in reversed(running):
            process.send_signal(2 if process is running[0] else 15)  # SIGINT: a fast stop of PostgreSQL
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)
        psql(server, "drop database if exists vigie_standby with (force)")


if __name__ == "__main__":
    main()

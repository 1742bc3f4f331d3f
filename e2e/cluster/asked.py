"""What is asked of services within the cluster: by TLS, of one that the country's authority vouches for."""

import ssl
import urllib.error
import urllib.request
import zlib

from roles import need

SIGNALS = "https://data-api.data-api.svc.cluster.local/api/data/v1/signals"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BELIEVED = {}  # under `it`: who vouches for the services of the country that runs


def believe(authority):
    """From here on whoever asks a service believes this authority alone."""
    BELIEVED["it"] = ssl.create_default_context(cafile=authority)


def answer(address, key=None):
    """(status, text) of an https address within the cluster."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10, context=BELIEVED["it"]) as said:
            return said.status, said.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def invented(country):
    """A key that nobody was given, with its checksum: only identity knows that it does not stand."""
    body = f"vigie_{country}_" + "a" * 43
    left, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        left, digit = divmod(left, len(LETTERS))
        digits = LETTERS[digit] + digits
    return body + digits


def by_tls(country):
    """data-api, which believes no authority but the country's, gets its answers from identity."""
    # 401: identity was asked and does not know the key. 503: it could not be asked.
    said = answer(SIGNALS, key=invented(country))
    need(said[0] == 401, f"data-api answers an unknown key with {said}")

"""What one service asks another within the cluster: by TLS, from a service that the country's authority vouches for."""

import ssl
import urllib.error
import urllib.request
import zlib

import roles

IDENTITY = "https://identity.identity.svc.cluster.local/oidc/jwks.json"
SIGNALS = "http://data-api.data-api.svc.cluster.local/api/data/v1/signals"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def status(address, key=None, authority=None):
    """The status of an answer, or why there was none."""
    context = ssl.create_default_context(cafile=authority) if authority else None
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError as error:
        return str(error.reason)


def invented(country):
    """A key that nobody was given, with its checksum: only identity knows that it does not stand."""
    body = f"vigie_{country}_" + "a" * 43
    left, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        left, digit = divmod(left, len(LETTERS))
        digits = LETTERS[digit] + digits
    return body + digits


def by_tls(world, clone, country):
    """identity shows a certificate of the country's authority, and data-api, which believes no other, gets its answers."""
    said = status(IDENTITY, authority=roles.authority(world, country))
    roles.need(said == 200, f"identity, by TLS: {said}")
    for code in (c.name for c in (clone.path / "secrets").iterdir() if c.is_dir() and c.name != country):
        said = status(IDENTITY, authority=roles.authority(world, code))
        roles.need("CERTIFICATE_VERIFY_FAILED" in str(said), f"identity, by the authority of {code}: {said}")
    # 401: identity was asked and does not know the key. 503: it could not be asked.
    said = status(SIGNALS, key=invented(country))
    roles.need(said == 401, f"data-api answers an unknown key with {said}")

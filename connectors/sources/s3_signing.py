"""Requests to S3 signed as AWS asks for it (Signature Version 4, header form), for questions without a body.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
NOTHING = sha256(b"").hexdigest()  # the digest of an empty body


def encoded(text: str, *, but: str = "") -> str:
    """Percent-encoded as the signature counts it: all but letters, digits, `-._~` and `but`."""
    return quote(text, safe=f"-._~{but}")


@dataclass
class Signature:
    """Signs whatever `url` is set to, anew for each try, as of `now`; an `Auth` of `connectors.sources.client`."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    region: str = "us-east-1"
    url: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def headers(self) -> Mapping[str, str]:
        moment = self.now().strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": urlsplit(self.url).netloc, "x-amz-content-sha256": NOTHING, "x-amz-date": moment}
        if self.token:
            signed["x-amz-security-token"] = self.token
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        digest = sha256(canonical(self.url, signed).encode()).hexdigest()
        proof = hmac.new(self._key(moment[:8]), f"{ALGORITHM}\n{moment}\n{scope}\n{digest}".encode(), sha256)
        claim = f"Credential={self.key_id}/{scope}, SignedHeaders={';'.join(signed)}, Signature={proof.hexdigest()}"
        del signed["host"]  # the client's own
        return {**signed, "authorization": f"{ALGORITHM} {claim}"}

    def renewed(self) -> bool:
        return False

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), sha256).digest()
        return key


def canonical(url: str, signed: Mapping[str, str]) -> str:
    """The request as both sides write it down before they sign it; `signed`: headers in the order of their names."""
    parts = urlsplit(url)
    path = encoded(unquote(parts.path), but="/") or "/"
    pairs = sorted((encoded(name), encoded(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed.items())
    return f"GET\n{path}\n{query}\n{headers}\n{';'.join(signed)}\n{NOTHING}"

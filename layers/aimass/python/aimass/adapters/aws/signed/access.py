"""Whether the services are reached as a function reaches them: what is unusual is left to boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aimass.adapters.aws.signed.artifacts import SignedArtifacts
from aimass.adapters.aws.signed.connection import Connection
from aimass.adapters.aws.signed.credentials import Credentials, has_credentials
from aimass.adapters.aws.signed.dynamodb import SignedDynamoDb
from aimass.adapters.aws.signed.signature import Scope
from aimass.domain.ports import ArtifactReader

#: Their hosts end otherwise than in amazonaws.com.
_OTHER_PARTITIONS = ("cn-", "eusc-", "us-iso", "eu-iso")
_SETTINGS = ("AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True)
class Access:
    """A region, credentials, and endpoints where they are not the region's own."""

    region: str
    credentials: Credentials
    endpoints: Mapping[str, str]

    def dynamodb(self, open_sdk: Callable[[], Any]) -> SignedDynamoDb:
        """Connects at its first call."""
        url = self.endpoints.get("dynamodb", f"https://dynamodb.{self.region}.amazonaws.com")
        return SignedDynamoDb(self._connection(url, "dynamodb"), open_sdk)

    def artifacts(self, bucket: str, open_store: Callable[[], ArtifactReader]) -> SignedArtifacts:
        """Connects at its first call. The bucket is in the host's name, as certificates and new buckets want it."""
        if url := self.endpoints.get("s3"):
            return SignedArtifacts(self._connection(url, "s3"), f"/{bucket}", open_store)
        url = f"https://{bucket}.s3.{self.region}.amazonaws.com"
        return SignedArtifacts(self._connection(url, "s3"), "", open_store)

    def _connection(self, url: str, service: str) -> Connection:
        return Connection(url, Scope(service, self.region), self.credentials)


def plain_access(environment: Mapping[str, str]) -> Access | None:
    """The access that a function's environment gives; None where only an SDK knows what it asks for."""
    if not environment.get("AWS_EXECUTION_ENV", "").startswith("AWS_Lambda"):
        return None
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    unusual = any(environment.get(name) for name in (*_SETTINGS, *_PROXIES))
    if not region or region.startswith(_OTHER_PARTITIONS) or unusual or not has_credentials(environment):
        return None
    return Access(region, Credentials(environment), _endpoints(environment))


def _endpoints(environment: Mapping[str, str]) -> dict[str, str]:
    given = {
        service: environment.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environment.get("AWS_ENDPOINT_URL")
        for service in ("dynamodb", "s3")
    }
    return {service: url for service, url in given.items() if url}

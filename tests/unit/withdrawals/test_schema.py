"""The OpenAPI document holds: whatever schemathesis makes of it, no answer is a 5xx, and every answer was declared."""

from __future__ import annotations

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings

from tests.support.withdrawing import FREE, opening, served


def test_no_request_that_fits_the_schema_gets_a_5xx(pg_url):
    with served(pg_url, opening(fen=10**9), tariff=FREE) as (made, _, base), httpx.Client(trust_env=False) as client:
        document = client.get(f"{base}/openapi.json").json()
        callers = [made.issuer.bearer("U1"), made.issuer.bearer("night", role="operator"), {}]
        seen: dict[str, set[int]] = {}
        for found in schemathesis.openapi.from_dict(document).get_all_operations():
            _try(found.ok(), base, client, callers, seen)
        assert len(seen) == 9
        assert {200, 400, 401, 403, 404} <= set().union(*seen.values()), seen


def _try(operation, base, client, callers, seen):
    declared = {int(status) for status in operation.definition.raw["responses"] if status.isdecimal()}

    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def check(case):
        for headers in callers:
            call = case.as_transport_kwargs(base_url=base, headers=headers)
            call.pop("cookies", None)
            try:
                answer = client.request(**call)
            except (httpx.InvalidURL, UnicodeEncodeError, httpx.LocalProtocolError):
                continue  # not a request that any client could send
            seen.setdefault(operation.label, set()).add(answer.status_code)
            assert answer.status_code < 500, (operation.label, answer.status_code)
            assert answer.status_code in declared, (operation.label, answer.status_code)

    check()

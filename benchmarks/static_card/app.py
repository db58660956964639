"""What HealthChain is measured with: one card that is always the same, for order-sign. Runs in a venv of its own.

It is served as its documentation says, by uvicorn; events, which nothing here listens to, are off.
"""

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import Card, CDSResponse, IndicatorEnum, Source

cds = CDSHooksService(use_events=False)


@cds.hook("order-sign", id="order-sign-crd")
def sign(_: CDSRequest) -> CDSResponse:
    """Return the card; the order is not looked at."""
    source = Source(label="Example Health Plan")
    detail = "Not covered: considered unproven. See the plan's policy."
    return CDSResponse(cards=[Card(summary="Not covered", indicator=IndicatorEnum.info, detail=detail, source=source)])


app = HealthChainAPI(enable_events=False)
app.register_service(cds)

"""The URL of the forms that policies ask for (DTR), as FHIR Questionnaires."""

from flask import Flask, Response, request

from cds_hooks.auth.access import AccessControl
from cds_hooks.errors import Issue, UnknownServiceError
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.web.call_context import current_call


def add_questionnaires(app: Flask, watch: RuleReloader, access: AccessControl) -> None:
    """Add the URL that a form is read from, by its id."""

    @app.get("/fhir/Questionnaire/<questionnaire_id>")
    def questionnaire(questionnaire_id: str) -> Response:
        """Return a form that a policy asks for: it tells of no patient, so it is as open as discovery."""
        call = current_call(request.environ)
        call.admit(access.admit_to_discovery(request.headers.get("Authorization"), call.peer))
        form = watch.current().questionnaires.get(questionnaire_id)
        if form is None:
            raise UnknownServiceError(Issue("not-found", "there is no such Questionnaire here"))
        return Response(form, content_type="application/fhir+json")

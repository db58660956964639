"""The WSGI application: joins settings, policies and routes. Any WSGI server runs `cds_hooks:create_app()`."""

import gc
from datetime import datetime
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from flask import Flask

from cds_hooks.answering.deployment import Deployment
from cds_hooks.answering.recording import Recorder
from cds_hooks.auth.access import AccessControl
from cds_hooks.console.mount import check_console, check_signing, why_hidden, with_console
from cds_hooks.fhir.access import FhirAccess
from cds_hooks.fhir.client import FhirClient
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.request import HookSchema
from cds_hooks.hooks.services import SERVICE_IDS, SERVICES, check_templates
from cds_hooks.members.opening import open_members
from cds_hooks.rules.folders import how_to_move
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.reload import RuleReloader, are_current, read_rules
from cds_hooks.server.slow_clients import watch
from cds_hooks.settings import Clock, Settings, nearest_setting, read_settings, unknown_variables
from cds_hooks.telemetry.logs import configure, record
from cds_hooks.web.body_buffering import with_whole_bodies
from cds_hooks.web.call_context import Application
from cds_hooks.web.documentation import PREFIX, find_site, with_documentation
from cds_hooks.web.flask_app import FlaskApp
from cds_hooks.web.hook_calls import HookCalls
from cds_hooks.web.instrumentation import with_instrumentation
from cds_hooks.web.middleware import with_call_context, with_preflight
from cds_hooks.web.routes import add_routes

#: Seconds that an answer takes, beside those for reading records: fetching keys, the store of used tokens.
_OWN_TIME: Final = 2.0

#: Where the application keeps what looks after its rules.
_WATCH: Final = "crd.rules"

#: Where it keeps what looks after the store.
_RECORDER: Final = "crd.recorder"

#: Where it keeps what calls rest on.
_DEPLOYMENT: Final = "crd.deployment"


def create_app(settings: Settings | None = None, clock: Clock = datetime.now) -> Flask:
    """Return the application, or raise StartError with everything that is wrong with its settings or files.

    Settings come from the environment unless given; `clock` tells the day that answers are dated with.
    """
    settings = settings or read_settings()
    deployment, rules = create_deployment(settings, clock), _take_rules(settings)
    configure(settings.log_level)
    app = FlaskApp("cds_hooks", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False
    recorder = Recorder(settings)
    gate = AccessControl(settings, SERVICE_IDS, recorder.count_refusal)
    rule_watch = RuleReloader(settings, rules)
    calls = HookCalls(deployment, rule_watch, gate, recorder)
    add_routes(app, deployment.settings, rule_watch, gate, recorder, calls)
    app.extensions[_DEPLOYMENT] = deployment
    app.extensions[_WATCH] = rule_watch
    app.extensions[_RECORDER] = recorder
    inner = with_preflight(with_whole_bodies(calls.in_front_of(app.wsgi_app), settings))
    measured = with_instrumentation(inner, settings, deployment.fhir_client)
    app.wsgi_app = with_call_context(measured, settings)  # type: ignore[method-assign,assignment]
    _report_start(settings, rules, gate)
    return app


#: The rules that a check of the start has read: processes that are forked from this one have them, too.
_checked: list[Rules] = []


def check_start(settings: Settings) -> None:
    """Raise StartError where an application could not be made with these settings; nothing stays open.

    What was read and compiled is kept for the workers that are forked from this process: each has it at once, and all
    have it in the same memory.
    """
    create_deployment(settings)
    _checked[:] = [read_rules(settings)]
    AccessControl(settings, SERVICE_IDS)
    check_console(settings)
    Recorder(settings)
    if not why_hidden(settings):
        check_signing(settings)


def _take_rules(settings: Settings) -> Rules:
    """Return the rules that were checked at the start, if their files are still the same; else read them."""
    kept = _checked.pop() if _checked else None  # who takes them up later is to free these
    return kept if kept and are_current(kept, settings) else read_rules(settings)


def create_deployment(settings: Settings, clock: Clock = datetime.now) -> Deployment:
    """Build everything that calls rest on, but for the rules."""
    check_templates(SERVICES)
    return Deployment(
        settings=settings,
        fhir_check=_fhir_check(),
        fhir_client=FhirClient(_fhir_access(settings)),
        schemas=_schemas(),
        clock=clock,
        members=open_members(settings),
    )


@cache
def _fhir_check() -> FhirCheck:
    """Return the check of resources; it comes with this package, so that a process compiles it once."""
    return FhirCheck()


@cache
def _schemas() -> dict[str, HookSchema]:
    return {service.hook: HookSchema(service.hook, _fhir_check()) for service in SERVICES}


def _fhir_access(settings: Settings) -> FhirAccess:
    return FhirAccess(
        servers=tuple(base.strip() for base in settings.fhir_servers.split(",") if base.strip()),
        private=settings.allow_private_fhir_servers,
        without_token=settings.anonymous_fhir == "allow",
        max_bytes=settings.max_fhir_bytes,
        max_nesting=settings.max_nesting,
        connections=settings.threads,
        threads=settings.threads,
    )


def _report_start(settings: Settings, rules: Rules, gate: AccessControl) -> None:
    if "none" in gate.modes:
        record("warning", "clients-not-authenticated", auth=settings.auth, host=settings.host)
    for name in unknown_variables():
        record("warning", "unknown-setting", name=name, **nearest_setting(name))
    if move := how_to_move(settings.policies):
        record("warning", "policies-without-folders", folder=str(settings.policies), move=move)
    record(
        "info",
        "started",
        policies=sorted(rules.index.policies),
        payers=sorted(payer.id for payer in rules.payers.payers),
        fhir_check=settings.fhir_check,
        rules=rules.digest,
    )


def create_served_app(clock: Clock = datetime.now) -> Flask:
    """Return the application for a process that does nothing else: `crd serve` runs this.

    What is loaded at start stays for good, so the garbage collector need not look at it again and again; calls
    leave few cycles behind, so it need not look often. Measured: the slowest call is ten times faster for it.
    """
    settings = read_settings()
    app = create_app(settings, clock)
    _show_console(app, settings)
    _show_documentation(app, settings)
    longest = settings.body_timeout + settings.fhir_time_budget + settings.members_time_budget + _OWN_TIME
    watch(settings.port, longest, settings.header_timeout)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    app.extensions[_WATCH].start()  # not only with the first call
    app.extensions[_RECORDER].start()
    return app


def _show_console(app: Flask, settings: Settings) -> None:
    """Put the pages for people in front of the service, where these settings show them; the log says why not."""
    if reason := why_hidden(settings):
        record("info", "console-off", reason=reason)
        return

    def create() -> Application:
        from cds_hooks.console.application import create_console  # nothing of it is needed before its first page

        return create_console(app.extensions[_DEPLOYMENT], app.extensions[_WATCH])

    everywhere, root = settings.console == "login", urlsplit(settings.public_base_url).path
    shown = with_console(app.wsgi_app, create, everywhere=everywhere, root=root)
    app.wsgi_app = shown  # type: ignore[method-assign,assignment]
    record("info", "console", path="/")


def _show_documentation(app: Flask, settings: Settings) -> None:
    """Put the documentation site in front of the service, where one was built."""
    if site := find_site(settings.docs):
        app.wsgi_app = with_documentation(app.wsgi_app, site)  # type: ignore[method-assign,assignment]
        record("info", "documentation", path=f"{PREFIX}/")

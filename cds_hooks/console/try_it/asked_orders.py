"""The order that a page is asked about: from a link, from a case of a policy, or from its form."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request

from cds_hooks.console.parts import Parts, parts
from cds_hooks.console.try_it.examples import cases_of, examples, first_tries, payer_of
from cds_hooks.console.try_it.hook_calls import SITUATIONS, write_call
from cds_hooks.console.try_it.order_form import (
    HOOKS,
    KINDS,
    PLACES,
    SHARED,
    VERSIONS,
    OrderForm,
    fill_form,
    read_form,
    write_order,
)
from cds_hooks.rules.cases import Case


def empty_form() -> OrderForm:
    """Return the form before anything is written: today, under the default payer."""
    found = parts()
    return _around(found.rules.payers.default.id, found.today, found)


def _around(payer: str, on: date, found: Parts) -> OrderForm:
    """Return what stands around an order; the version is the one that an EHR gets which asks for none."""
    version = found.settings.default_version
    return OrderForm(coverage=payer, on=on.isoformat(), version=version, member=_member_of(found))


def _member_of(found: Parts) -> str:
    """Return the id that the invented patient has as a member: of the examples' files, where members are asked."""
    return "EX-4711" if found.deployment.members else ""


def posted_form() -> OrderForm:
    """Return the form as it was sent."""
    return read_form(request.form, empty_form())


def carried_form() -> OrderForm | None:
    """Return the form that an answer's page carries along; None where the call was written by hand."""
    return posted_form() if "code" in request.form else None


def linked_form() -> OrderForm:
    """Return the form as a link asks for it: by a case, by a policy, or by fields that a link may carry."""
    asked, filled = request.args, empty_form()
    policy, _, number = asked.get("example", "").partition(" ")
    policy, number = asked.get("policy", policy), asked.get("case", number)
    if number:
        filled = case_form(policy, number) or filled
    elif policy in parts().rules.index.policies:
        filled = filled._replace(coverage=payer_of(policy, parts().rules), code=_code_of(policy))
    return read_form({name: asked[name] for name in SHARED if name in asked}, filled)


def case_form(policy: str, number: str) -> OrderForm | None:
    """Return the form of a policy's case; None where there is no such case."""
    found = parts()
    case = _find_case(policy, number, found)
    if case is None:
        return None
    around = _around(payer_of(policy, found.rules), case.on, found)
    return fill_form(case.order, found.rules.vocabulary.code_systems, around)


def _find_case(policy: str, number: str, found: Parts) -> Case | None:
    if policy not in found.rules.index.policies or not (number.isascii() and number.isdecimal()):
        return None
    cases = cases_of(policy, found.rules, found.settings).found
    return cases[int(number)] if int(number) < len(cases) else None


def _code_of(policy: str) -> str:
    """Return the first code that names a policy's service."""
    versions = [version for version in parts().rules.index.policies[policy].versions if version]
    codes = [code.coding for version in reversed(versions) for code in version.definitive.values()]
    return f"{codes[0].system} {codes[0].code}" if codes else ""


def call_of(form: OrderForm) -> dict[str, Any]:
    """Return the hook call about the order that a form describes; FormError where it describes none."""
    found = parts()
    order = write_order(form, found.rules.vocabulary.code_systems)
    return write_call(order, form.hook, form.version, form.coverage, form.on, found.rules.payers, form.member)


def form_context(form: OrderForm | None, faults: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what a template needs to show a form; its link carries no word of the order, and nothing faulty."""
    found = parts()
    carried = form._asdict().items() if form else ()
    shared = set(SHARED) - set(faults or ())
    offered = examples(found.rules, found.settings)
    return {
        "form": form,
        "faults": faults or {},
        "link": {name: value for name, value in carried if name in shared and value},
        "payers": [(one.id, one.name) for one in sorted(found.rules.payers.payers, key=lambda one: one.name)],
        "situations": SITUATIONS,
        "hooks": HOOKS,
        "versions": VERSIONS,
        "kinds": KINDS,
        "places": PLACES,
        "examples": offered,
        "first_tries": first_tries(offered),
        "asks_members": found.deployment.members is not None,
    }

"""The pages of the policies: all of them, one of them with its history and cases, two versions side by side."""

from typing import Any, Final, NamedTuple

from flask import Blueprint, Response, abort, render_template, request

from cards import Policy
from cards.policy_document import complete_version, outline_version
from cds_hooks.console.parts import Parts, parts
from cds_hooks.console.policies.policy_answers import list_answers
from cds_hooks.console.policies.policy_texts import (
    Period,
    codes_by_role,
    compare_answers,
    compare_versions,
    day_in,
    history,
    other_members,
    run_cases,
    word_lists,
)
from cds_hooks.console.try_it.examples import bound_payers, cases_of
from cds_hooks.errors import StartError
from cds_hooks.rules.folders import POLICY, find_policies
from cds_hooks.rules.sources import Source, find_source
from cds_hooks.rules.text import describe_policy, version_key

pages: Final = Blueprint("policies", __name__, url_prefix="/console/policies")

#: So many policies are listed on a page.
_PAGE: Final = 100


class Listed(NamedTuple):
    """A line of the list of policies."""

    said: dict[str, str | None]
    payers: list[str]


@pages.get("")
def index() -> str:
    """List the policies, or those that have some words in their name."""
    found, words = parts(), request.args.get("q", "").casefold().split()
    bound = bound_payers(found.rules)
    policies = [policy for _, policy in sorted(found.rules.index.policies.items()) if _has_words(policy, words)]
    page = max(request.args.get("page", 1, type=int), 1)
    shown = policies[(page - 1) * _PAGE : page * _PAGE]
    rows = [Listed(describe_policy(policy, found.today), bound.get(policy.id, [])) for policy in shown]
    more = page + 1 if page * _PAGE < len(policies) else None
    return render_template("policies.html", rows=rows, total=len(policies), page=page, more=more)


def _has_words(policy: Policy, words: list[str]) -> bool:
    named = f"{policy.id} {policy.name} {policy.service} {policy.publisher}".casefold()
    return all(word in named for word in words)


@pages.get("/<policy>")
def show(policy: str) -> str:
    """Show one policy as it stands on a day."""
    found = parts()
    source, on = _source(policy, found), found.read_day(request.args.get("on", ""))
    key = version_key(source.policy, on)
    version = (complete_version(source.document, key) if key else None) or {}
    cases = cases_of(policy, found.rules, found.settings)
    payers = [payer for payer in found.rules.payers.payers if policy in payer.policies]
    return render_template(
        "policy.html",
        policy=source.policy,
        document=source.document,
        on=on,
        shown=source.policy.in_force(on),
        said=describe_policy(source.policy, on),
        version=version,
        answers=list_answers(version),
        periods=history(source.policy, found.today),
        key=key,
        roles=codes_by_role(version),
        words=word_lists(version, source.words),
        others=other_members(version),
        cases=run_cases(policy, cases, found.rules),
        fault=cases.fault,
        payers=payers,
    )


@pages.get("/<policy>/compare")
def compare(policy: str) -> str:
    """Show what differs between two versions of a policy."""
    found = parts()
    source = _source(policy, found)
    periods = history(source.policy, found.today)
    old, new = _choose_two(periods, request.args.get("old"), request.args.get("new"))
    texts = [outline_version(source.document, period.key) if period.covered else {} for period in (old, new)]
    cases = cases_of(policy, found.rules, found.settings)
    return render_template(
        "compare.html",
        policy=source.policy,
        periods=periods,
        old=old,
        new=new,
        changes=compare_versions(*texts),
        difference=compare_answers(policy, cases, (day_in(old), day_in(new)), found.rules),
        asked=len(cases.found),
        fault=cases.fault,
    )


@pages.get("/<policy>/<any('policy.json', 'cases.json'):name>")
def download(policy: str, name: str) -> Response:
    """Send a file of a policy as it lies in its folder, to be changed and tried in Drafts."""
    files = find_policies(parts().settings.policies).get(policy) or abort(404)
    path = files.policy if name == POLICY else files.find_cases()
    if not path.is_file():
        abort(404)
    named = {"Content-Disposition": f"attachment; filename={policy}.{name}"}
    return Response(path.read_bytes(), mimetype="application/json", headers=named)


def _choose_two(periods: list[Period], old: str | None, new: str | None) -> tuple[Period, Period]:
    """Return the two versions that are asked for, else the last two."""
    by_key: dict[str | None, Any] = {period.key: period for period in periods}
    last = periods[-1]
    return by_key.get(old, periods[-2] if len(periods) > 1 else last), by_key.get(new, last)


def _source(policy: str, found: Parts) -> Source:
    """Return a policy and its file; 404 where the service has none of this id."""
    if policy not in found.rules.index.policies:
        abort(404)
    try:
        return find_source(policy, found.settings)
    except StartError:
        abort(404)

"""Members and authorizations for services that tests run: the files of fhir_examples/, or any others."""

from pathlib import Path
from typing import Any

from cds_hooks.commands.directory_files import load_file
from cds_hooks.members.database_directory import AUTHORIZATIONS, MEMBERS
from cds_hooks.members.files import AUTHORIZATION_FILE, MEMBER_FILE
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import read_settings
from tests.member_service import MemberServiceProcess

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "fhir_examples"

#: The folder of examples that are answered by a service that asks for members.
FOLDER = "example-members"

#: The folder of those answered by one whose payer tells who is a member, and fails to tell what is authorized.
UNAVAILABLE = "example-authorizations-unavailable"

#: What the files of the examples may name.
PLANS = frozenset({"example-health-plan", "example-medicare-advantage", "medicare"})
SYSTEMS = read_rules(read_settings()).vocabulary.code_systems


def load_members(
    database: str, members: Path = EXAMPLES / "members.csv", plans: frozenset[str] = PLANS, **settings: Any
) -> None:
    """Load a file of members into a database, as `crd members load` does."""
    load_file(read_settings(database_url=database, **settings), MEMBERS, MEMBER_FILE, plans, members, None, 1.0)


def load_authorizations(database: str, path: Path = EXAMPLES / "authorizations.csv", **settings: Any) -> None:
    """Load a file of authorizations into a database, as `crd authorizations load` does."""
    load_file(
        read_settings(database_url=database, **settings), AUTHORIZATIONS, AUTHORIZATION_FILE, SYSTEMS, path, None, 1.0
    )


def with_payer(payer: MemberServiceProcess) -> dict[str, str]:
    """Return the variables of a service that asks a payer's own."""
    return {"CRD_MEMBERS": payer.base, "CRD_ALLOW_PRIVATE_MEMBERS": "1"}


def with_members(folder: Path) -> dict[str, str]:
    """Return the variables of a service that asks the members of the examples, which are loaded for it into a folder."""
    database = f"sqlite:///{folder}/members.sqlite3"
    load_members(database)
    load_authorizations(database)
    return {"CRD_MEMBERS": "database", "CRD_DATABASE_URL": database}

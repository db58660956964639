"""Puts it on the record where a person, and no call of a client, looks up whom a payer insures (CRD-80)."""

from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.answering.deployment import Deployment
from cds_hooks.errors import StartError
from cds_hooks.store.access_log import note_access, system_user
from cds_hooks.store.database import StoreError, connect, kind_of, prepare


def note_look_up(deployment: Deployment, how: str, operator: str | None = None) -> None:
    """Note that somebody explains a call whose patient is looked up; StartError where that cannot be noted.

    `operator` is who is logged in to the console; without one the system's own user is named.

    Where no members are asked there is nothing to note.
    """
    if deployment.members is None:
        return
    url = deployment.settings.database_url
    try:
        prepare(url, deployment.settings.may_migrate)
        engine = connect(url)
        with engine.begin() as connection:
            note_access(connection, operator or system_user(), "explain", None, {"how": how})
        engine.dispose()
    except (StoreError, SQLAlchemyError) as error:
        why = error if isinstance(error, StoreError) else kind_of(error)
        raise StartError(f"CRD_DATABASE_URL: the look-up of a member cannot be put on the record ({why})") from None

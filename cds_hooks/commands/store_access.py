"""How commands come to what is kept: where there is a store, with its keys, and with clear errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings, read_settings
from cds_hooks.store.database import StoreError, check_exists, kind_of
from cds_hooks.store.encryption import RecordCipher, SealError, read_keys


def settings_of_store(settings: Settings | None = None) -> Settings:
    """Return the settings; StartError where they name no store: `nothing found` would be a wrong answer there."""
    settings = settings or read_settings()
    try:
        check_exists(settings.database_url)
    except StoreError as error:
        raise StartError(f"CRD_DATABASE_URL: {error}") from None
    return settings


@contextmanager
def failing_clearly(sealed: str = "a record") -> Iterator[None]:
    """Turn what goes wrong with the store, or with opening what is `sealed` there, into a StartError."""
    try:
        yield
    except (StoreError, SQLAlchemyError) as error:
        why = error if isinstance(error, StoreError) else kind_of(error)
        raise StartError(f"CRD_DATABASE_URL: the store cannot be read or written ({why})") from None
    except SealError as error:
        raise StartError(f"{sealed} {error}") from None


def cipher_of(settings: Settings) -> RecordCipher:
    """Return what seals and opens records under these settings."""
    return RecordCipher(read_keys(settings.audit_keys))

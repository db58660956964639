"""What is kept, as the pages of operators need it: for reading, and for writing down who read."""

from typing import Final

from cds_hooks.auth.operators import OperatorFile
from cds_hooks.settings import Settings
from cds_hooks.store.access_log import note_access
from cds_hooks.store.database import connect
from cds_hooks.store.encryption import RecordCipher, read_keys
from cds_hooks.store.logins import Logins
from cds_hooks.store.month_sums import MonthSums
from cds_hooks.store.search import Archive

#: Seconds that a page may wait for the database.
_PATIENCE: Final = 5.0


class Records:
    """The store of one service, and who may read in it."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database_url
        self._writing = connect(url, patience=_PATIENCE)
        #: Runs statements that stand alone, so that reading holds up no call.
        self.reading = connect(url, each_alone=True, patience=_PATIENCE)
        self.month_sums = MonthSums(self._writing, self.reading)
        cipher = RecordCipher(read_keys(settings.audit_keys))
        self.archive = Archive(self._writing, self.reading, cipher)
        self.logins = Logins(self.reading, settings.console_minutes * 60)
        self.operators = OperatorFile(settings.operators) if settings.operators else None

    def note_login(self, operator: str, how: str, role: str) -> None:
        """Write down that somebody logged in."""
        with self._writing.begin() as connection:
            note_access(connection, operator, "login", None, {"by": how, "role": role})

    def close(self) -> None:
        """Close all connections."""
        self.archive.close()
